//! A phone at home: another machine on the network finds the gateway by its name, learns to trust it, and hears
//! nothing else. Two network namespaces stand for the two machines.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bartizan_client::{Profile, Session};
use bartizan_tests::capture::Capture;
use bartizan_tests::cli::Cli;
use bartizan_tests::gateway::{Gateway, Settings};
use bartizan_tests::hunt::Hunt;
use bartizan_tests::netns::{HOME, Wire};
use bartizan_tests::tls::{Client, ask_in_clear};
use bartizan_tests::{skipped, wait};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, ProtocolVersion};

const NAME: &str = "bartizan.local";

const APP: u16 = 8440;
const GUIDE: u16 = 8441;

/// A camera's name that nobody on the network must hear.
const CAMERA: &str = "Kellertreppe-Nord-4711";

struct Home {
    wire: Wire,
    gateway: Gateway,
}

fn app() -> SocketAddr {
    (HOME, APP).into()
}

fn guide() -> SocketAddr {
    (HOME, GUIDE).into()
}

fn host(port: u16) -> String {
    format!("{NAME}:{port}")
}

fn settings(wire: &Wire, more: &[&str]) -> Settings {
    Settings {
        cameras: vec!["synthetic:".to_owned()],
        within: wire.at_home(),
        listen: Some(format!("0.0.0.0:{APP}")),
        arguments: more.iter().map(|word| (*word).to_owned()).collect(),
        ..Settings::default()
    }
}

impl Home {
    /// `None` where the machine has no namespaces for us.
    fn start() -> Option<Self> {
        let wire = Wire::up()
            .map_err(|error| skipped(&format!("{error:#}")))
            .ok()?;
        let gateway = Gateway::start(settings(&wire, &[])).unwrap();
        Some(Self { wire, gateway })
    }

    /// What the guide gives to who asks.
    fn authority(&self) -> CertificateDer<'static> {
        self.as_phone(authority).into()
    }

    fn trusting(&self) -> Client {
        Client::trusting([self.authority()])
    }

    fn as_phone<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        self.wire.as_phone(act).unwrap()
    }
}

/// The authority's certificate as the guide gives it.
fn authority() -> Vec<u8> {
    let mut socket = std::net::TcpStream::connect(guide()).unwrap();
    let request = format!(
        "GET /bartizan-ca.crt HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        host(GUIDE)
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut socket, &mut answer).unwrap();
    let head = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    answer.split_off(head + 4)
}

#[test]
fn a_phone_finds_the_gateway_by_its_name_learns_to_trust_it_and_claims_it() {
    let Some(home) = Home::start() else { return };
    assert_eq!(home.wire.resolve(NAME).unwrap(), HOME);
    let printed = home.gateway.log();
    let line = |front: &str| {
        let found = printed.iter().find_map(|line| line.strip_prefix(front));
        found.unwrap_or_else(|| panic!("no {front}")).to_owned()
    };
    assert_eq!(line("guide: "), format!("http://{NAME}:{GUIDE}"));
    assert_eq!(line("ready: "), format!("https://{NAME}:{APP}"));
    let print = line("authority: ");
    assert_eq!(print, fingerprint(&home.authority()));
    let client = home.trusting();
    home.as_phone(|| {
        let page = ask_in_clear(guide(), "/", &[("host", &host(GUIDE))]).unwrap();
        assert!(page.contains("/bartizan-ca.crt"), "{page}");
        let groups: Vec<_> = print.split(' ').collect();
        let shown = groups.windows(2).filter(|pair| {
            let (page, [one, two]) = (page.to_uppercase(), [pair[0], pair[1]]);
            page.contains(&format!("{one}{two}")) || page.contains(&format!("{one} {two}"))
        });
        assert_eq!(shown.count(), 0, "{page}");
        let stranger = Client::trusting([]).greet(app(), NAME);
        assert!(stranger.is_err(), "nobody trusts it unasked");
        let mut agreed = client.greet(app(), NAME).unwrap();
        let own = ("origin", format!("http://{}", host(GUIDE)));
        let headers = [("host", &*host(APP)), (own.0, &*own.1)];
        let answer = agreed.ask("/trust-check", &headers).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    });
    home.wire.knows(NAME, IpAddr::V4(HOME)).unwrap();
    let phone = Cli::new().unwrap().within(home.wire.on_phone());
    phone.claim(&home.gateway.claim_link().unwrap()).unwrap();
    let cameras = phone.must(["camera", "list"]).unwrap();
    assert_eq!(
        cameras["cameras"].as_array().map(Vec::len),
        Some(1),
        "{cameras}"
    );
}

fn fingerprint(certificate: &[u8]) -> String {
    let digest = bartizan_identity::key::sha256(&[certificate]);
    let digits = data_encoding::HEXUPPER.encode(digest.as_bytes());
    let groups: Vec<_> = digits
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(" ")
}

#[test]
fn r_11_the_home_network_gets_tls_13_with_two_groups_and_nothing_in_clear() {
    let Some(home) = Home::start() else { return };
    let all = home.trusting();
    home.as_phone(|| {
        let agreed = all.greet(app(), NAME).unwrap();
        assert_eq!(agreed.version, ProtocolVersion::TLSv1_3);
        assert_eq!(agreed.group, NamedGroup::X25519MLKEM768);
        let with = |groups: &[&'static dyn rustls::crypto::SupportedKxGroup]| Client {
            groups: groups.to_vec(),
            ..all.clone()
        };
        let classic = with(&[kx_group::X25519]).greet(app(), NAME).unwrap();
        assert_eq!(classic.group, NamedGroup::X25519);
        for group in [
            kx_group::SECP256R1,
            kx_group::SECP384R1,
            kx_group::MLKEM768,
            kx_group::SECP256R1MLKEM768,
        ] {
            assert!(with(&[group]).greet(app(), NAME).is_err(), "{group:?}");
        }
        for versions in [vec![&TLS12], vec![&TLS12, &TLS13]] {
            let client = Client {
                versions,
                ..all.clone()
            };
            let old = client.greet(app(), NAME);
            let version = old.ok().map(|agreed| agreed.version);
            let expected = (client.versions.len() == 2).then_some(ProtocolVersion::TLSv1_3);
            assert_eq!(version, expected);
        }
        for path in ["/", "/api/v1/health"] {
            let clear = ask_in_clear(app(), path, &[("host", &host(APP))]);
            assert!(!clear.unwrap_or_default().contains("HTTP/"), "{path}");
        }
    });
}

#[test]
fn l_6_on_the_home_network_only_own_names_are_answered() {
    let Some(home) = Home::start() else { return };
    let client = home.trusting();
    home.as_phone(|| {
        for name in ["evil.local", "gateway.example", "10.87.0.1"] {
            assert!(
                client.greet(app(), name).is_err(),
                "no certificate for {name}"
            );
        }
        let ask = |path: &str, headers: &[(&str, &str)]| {
            let answer = client
                .greet(app(), NAME)
                .unwrap()
                .ask(path, headers)
                .unwrap();
            answer.get(9..12).unwrap_or_default().to_owned()
        };
        let own = host(APP);
        for path in ["/", "/api/v1/health", "/trust-check"] {
            for wrong in [
                "rebound.example:8440",
                "10.87.0.1:8440",
                "bartizan.local",
                "bartizan-2.local:8440",
            ] {
                assert_eq!(ask(path, &[("host", wrong)]), "421", "{path} {wrong}");
            }
        }
        let cross = [("host", &*own), ("sec-fetch-site", "cross-site")];
        for path in ["/", "/api/v1/health", "/trust-check"] {
            assert_eq!(ask(path, &cross), "403", "{path}");
        }
        assert_eq!(ask("/api/v1/health", &[("host", &own)]), "200");
        let clear = |path: &str, named: &str| {
            let answer = ask_in_clear(guide(), path, &[("host", named)]).unwrap();
            answer.get(9..12).unwrap_or_default().to_owned()
        };
        assert_eq!(clear("/", "10.87.0.1:8441"), "200");
        assert_eq!(clear("/", "rebound.example:8441"), "421");
        assert_eq!(clear("/", "10.87.0.2:8441"), "421");
        assert_eq!(clear("/api/v1/health", &host(GUIDE)), "404");
        assert!(
            ask_in_clear((HOME, 80).into(), "/", &[]).is_err(),
            "port 80 is closed"
        );
    });
}

#[test]
fn m_8_the_network_hears_no_word_of_the_app() {
    let Some(home) = Home::start() else { return };
    home.wire.knows(NAME, IpAddr::V4(HOME)).unwrap();
    let hunt = Hunt::new(&[CAMERA, "/api/v1/", "synthetic:", "Make this device trust"]).unwrap();
    let Ok(capture) = home.as_phone(|| Capture::start(hunt)) else {
        return skipped("no packet socket");
    };
    let phone = Cli::new().unwrap().within(home.wire.on_phone());
    let link = home.gateway.claim_link().unwrap();
    assert!(
        link.starts_with("https://"),
        "the app is served in clear: {link}"
    );
    phone.claim(&link).unwrap();
    phone.must(["camera", "add", CAMERA, "synthetic:"]).unwrap();
    phone.must(["camera", "list"]).unwrap();
    assert_eq!(home.wire.resolve(NAME).unwrap(), HOME);
    home.as_phone(|| ask_in_clear(guide(), "/", &[("host", &host(GUIDE))]).unwrap());
    wait::pause(Duration::from_millis(500));
    let caught = capture.finish().unwrap();
    let (guides, others): (Vec<_>, Vec<_>) = caught
        .traces
        .into_iter()
        .partition(|((from, _), _)| *from == GUIDE);
    assert!(
        !guides.is_empty(),
        "the hunt is blind: the guide is in clear"
    );
    assert!(others.is_empty(), "{others:#?}");
    let sealed: usize = caught
        .packets
        .iter()
        .filter(|((from, to), _)| [from, to].contains(&&APP))
        .map(|(_, count)| count)
        .sum();
    assert!(sealed > 20, "{sealed} packets of the gateway");
}

/// A neighbour's gateway that calls itself as ours does, where every resolver was made to lead to it.
#[test]
fn r_10_a_rogue_under_the_same_name_is_not_the_gateway() {
    let Some(home) = Home::start() else { return };
    let mut rogue = settings(&home.wire, &["--no-mdns"]);
    rogue.within = home.wire.on_phone();
    let rogue = Gateway::start(rogue).unwrap();
    assert!(
        rogue
            .log()
            .contains(&format!("ready: https://{NAME}:{APP}"))
    );
    let client = home.trusting();
    let there: SocketAddr = ([10, 87, 0, 2], APP).into();
    home.as_phone(|| assert!(client.greet(there, NAME).is_err()));
    home.wire.knows(NAME, there.ip()).unwrap();
    let phone = Cli::new().unwrap().within(home.wire.on_phone());
    let refused = phone.claim(&home.gateway.claim_link().unwrap());
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("whoever answers is not this gateway"),
        "{said}"
    );
}

#[test]
fn the_second_gateway_of_a_network_takes_the_next_name_and_is_trusted_under_it() {
    let Some(home) = Home::start() else { return };
    let mut second = settings(&home.wire, &["--guide", "9441"]);
    second.listen = Some("0.0.0.0:9440".to_owned());
    let second = Gateway::start(second).unwrap();
    let log = second.log();
    assert!(
        log.contains(&"ready: https://bartizan-2.local:9440".to_owned()),
        "{log:#?}"
    );
    assert_eq!(home.wire.resolve("bartizan-2.local").unwrap(), HOME);
    let page = home.as_phone(|| {
        let address = (HOME, 9441).into();
        ask_in_clear(address, "/", &[("host", "bartizan-2.local:9441")]).unwrap()
    });
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(page.contains("https://bartizan-2.local:9440/trust-check"));
    assert!(
        home.gateway
            .log()
            .contains(&format!("ready: https://{NAME}:{APP}"))
    );
}

/// Passkeys and the phones' home screens hang on it.
#[test]
fn the_name_that_was_won_is_kept_over_a_restart_until_the_owner_gives_another() {
    let Some(home) = Home::start() else { return };
    let Home { wire, mut gateway } = home;
    let folder = tempfile::tempdir().unwrap();
    let start = |more: &[&str]| {
        let mut second = settings(&wire, &[&["--guide", "9441"], more].concat());
        second.listen = Some("0.0.0.0:9440".to_owned());
        second.data = Some(folder.path().join("data"));
        Gateway::start(second).unwrap()
    };
    let ready = |gateway: &Gateway, name: &str| {
        let (log, line) = (gateway.log(), format!("ready: https://{name}:9440"));
        assert!(log.contains(&line), "{log:#?}");
    };
    let mut second = start(&[]);
    ready(&second, "bartizan-2.local");
    wire.knows("bartizan-2.local", IpAddr::V4(HOME)).unwrap();
    let phone = Cli::new().unwrap().within(wire.on_phone());
    phone.claim(&second.claim_link().unwrap()).unwrap();
    // The other one is away, so that its name is free.
    second.stop().unwrap();
    gateway.stop().unwrap();
    let mut second = start(&[]);
    ready(&second, "bartizan-2.local");
    assert_eq!(wire.resolve("bartizan-2.local").unwrap(), HOME);
    assert!(wire.resolve(NAME).is_err(), "it took the other name, too");
    phone.must(["camera", "list"]).unwrap();
    second.stop().unwrap();
    let mut second = start(&["--name", "door.local"]);
    ready(&second, "door.local");
    second.stop().unwrap();
    // Nothing is left of what was won under the name before.
    ready(&start(&[]), NAME);
}

/// A member at the machine itself invites a phone.
#[test]
fn an_invitation_made_on_the_machine_is_for_the_name_that_phones_find() {
    let Some(home) = Home::start() else { return };
    home.wire.knows(NAME, IpAddr::V4(HOME)).unwrap();
    let own = Cli::new().unwrap().within(home.wire.at_home());
    let link = home.gateway.claim_link().unwrap();
    let local = link.replacen(NAME, "localhost", 1);
    own.claim(&local).unwrap();
    let invited = own.must(["device", "invite"]).unwrap();
    assert_eq!(invited["onlyHere"], false, "{invited}");
    let link = invited["link"].as_str().unwrap();
    assert!(
        link.starts_with(&format!("https://{NAME}:{APP}/join#")),
        "{link}"
    );
    let phone = Cli::new().unwrap().within(home.wire.on_phone());
    phone.must(["sign-in", link]).unwrap();
    phone.must(["camera", "list"]).unwrap();
}

/// On loopback: nobody else is served.
#[test]
fn an_invitation_of_a_gateway_for_this_machine_only_says_so() {
    let gateway = Gateway::start(Settings::default()).unwrap();
    let cli = Cli::new().unwrap();
    cli.claim(&gateway.claim_link().unwrap()).unwrap();
    let said = cli.run(["device", "invite"]).unwrap();
    assert_eq!(said.json["onlyHere"], true, "{}", said.text);
    assert!(said.text.contains("cargo xtask up --lan"), "{}", said.text);
    let link = said.json["link"].as_str().unwrap();
    assert!(link.starts_with("http://localhost:"), "{link}");
}

/// Somebody on the network says that each name which the gateway asks for is theirs, and then stops.
#[test]
fn who_claims_the_names_for_a_moment_closes_no_door_and_takes_none_for_good() {
    let Some(home) = Home::start() else { return };
    let client = home.trusting();
    let claims: Vec<Vec<u8>> = (1..=9).map(claim).collect();
    home.as_phone(|| {
        let address = (bartizan_tests::netns::PHONE, 5_353);
        let socket = std::net::UdpSocket::bind(address).unwrap();
        for _ in 0..2 {
            for claim in &claims {
                socket.send_to(claim, "224.0.0.251:5353").unwrap();
            }
        }
    });
    let taken = wait::until(Duration::from_secs(10), "the loss of every name", || {
        let log = home.gateway.log();
        let lost = "others on this network take every name";
        log.iter().any(|line| line.contains(lost)).then_some(())
    });
    taken.unwrap();
    let answers = || {
        let mut agreed = client.greet(app(), NAME).unwrap();
        let answer = agreed.ask("/api/v1/health", &[("host", &host(APP))]);
        answer.unwrap().starts_with("HTTP/1.1 200 ")
    };
    assert!(home.as_phone(answers));
    wait::until(Duration::from_secs(30), "the name again", || {
        assert!(home.as_phone(answers));
        home.wire.resolve(NAME).ok()
    })
    .unwrap();
}

/// A response with one record: the address of `bartizan.local`, or of the same with a number, is another one.
fn claim(number: u8) -> Vec<u8> {
    let label = match number {
        1 => "bartizan".to_owned(),
        number => format!("bartizan-{number}"),
    };
    let mut bytes = b"\0\0\x84\0\0\0\0\x01\0\0\0\0".to_vec();
    for label in [label.as_str(), "local"] {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.extend(b"\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\x57\0\x63");
    bytes
}

/// On loopback: what a device that is signed in shows of the authority is what the machine printed.
#[test]
fn a_signed_in_device_learns_the_fingerprint_that_the_machine_printed() {
    let settings = Settings {
        arguments: ["--tls", "--guide", "0"].map(str::to_owned).into(),
        ..Settings::default()
    };
    let gateway = Gateway::start(settings).unwrap();
    let log = gateway.log();
    let printed = log
        .iter()
        .find_map(|line| line.strip_prefix("authority: "))
        .unwrap();
    let cli = Cli::new().unwrap();
    cli.claim(&gateway.claim_link().unwrap()).unwrap();
    let session = Session::open(Profile::at(cli.profile())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let site = runtime.block_on(session.site()).unwrap();
    assert_eq!(site.authority, Some(printed.replace(' ', "")));
}

/// On loopback: a new certificate needs no network.
#[test]
fn a_given_certificate_is_taken_over_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let issue = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap(), key.serialize_pem())
    };
    let put = |chain: &str, key: &str| {
        bartizan_base::files::write_atomic(&file("key.pem"), key.as_bytes()).unwrap();
        bartizan_base::files::write_atomic(&file("chain.pem"), chain.as_bytes()).unwrap();
    };
    let (first, first_key) = issue();
    put(&first.pem(), &first_key);
    let words = [
        OsString::from("--tls-certificate"),
        file("chain.pem").into(),
        "--tls-key".into(),
        file("key.pem").into(),
    ];
    let settings = Settings {
        arguments: words.map(|word| word.into_string().unwrap()).into(),
        ..Settings::default()
    };
    let gateway = Gateway::start(settings).unwrap();
    let address: SocketAddr = ([127, 0, 0, 1], gateway.port()).into();
    let shown = |trusted: &rcgen::Certificate| {
        let client = Client::trusting([trusted.der().clone()]);
        client.greet(address, "localhost").is_ok()
    };
    assert!(shown(&first));
    let (second, second_key) = issue();
    put(&second.pem(), &second_key);
    wait::until(Duration::from_secs(30), "the new certificate", || {
        shown(&second).then_some(())
    })
    .unwrap();
    assert!(!shown(&first));
    put("rubbish", &second_key);
    let warned = "the names or the certificate stay as they were";
    wait::until(Duration::from_secs(30), "a warning", || {
        gateway
            .log()
            .iter()
            .any(|line| line.contains(warned))
            .then_some(())
    })
    .unwrap();
    assert!(shown(&second), "a bad pair keeps the old one");
}
