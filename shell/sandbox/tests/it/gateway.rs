//! What the API and recorder process can and can't do.

use crate::house::{House, landlock_works, refused};

fn house() -> House {
    House::new("gateway")
}

#[test]
fn its_files_network_names_and_threads_work() {
    let cases = [
        "file-own",
        "net-loopback",
        "net-udp",
        "net-pair",
        "net-resolve",
    ];
    for case in cases
        .into_iter()
        .chain(["process-threads", "clocks", "random"])
    {
        assert_eq!(house().attempt(case), "ok", "{case}");
    }
}

#[test]
fn g_8_the_ingest_s_folder_is_out_of_reach() {
    let house = house();
    if landlock_works() {
        let cases = [
            "file-read-other",
            "file-write-other",
            "file-append-other",
            "file-list-other",
            "file-remove-other",
            "file-move-out",
            "file-link-in",
            "file-tmp",
            "file-environ",
            "file-own-memory",
            "file-symlink",
            "file-fifo",
        ];
        refused(&cases, &house);
        assert_eq!(
            std::fs::read(house.path("other/secret")).unwrap(),
            b"plaintext"
        );
    }
}

#[test]
fn g_8_no_program_can_be_started() {
    refused(&["process-exec", "memfd"], &house());
}

#[test]
fn g_8_no_process_can_be_read_or_signalled() {
    refused(
        &["process-kill", "process-pidfd", "process-signal-by-pidfd"],
        &house(),
    );
}

#[test]
fn g_8_no_local_service_or_raw_packet_is_in_reach() {
    refused(
        &["net-unix", "net-packet", "net-raw", "process-chroot"],
        &house(),
    );
}
