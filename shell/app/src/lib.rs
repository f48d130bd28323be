//! The app as part of the program: the files of `web/dist`, read when this crate is built.
//!
//! Only bytes and their media types. Who gets which file, and under which headers, is decided in
//! `bartizan_http::app`.
#![forbid(unsafe_code)]

/// One file of the app.
#[derive(Clone, Copy)]
pub struct File {
    /// Path in a URL, from the root: `/index.html`.
    pub path: &'static str,
    /// Value of `Content-Type`.
    pub media_type: &'static str,
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The file as brotli (RFC 7932), where that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The name changes with the content.
    pub immutable: bool,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({}, {} bytes)", self.path, self.bytes.len())
    }
}

/// All files, by path; none when the program was built without the app.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_the_whole_app_is_here_or_nothing_of_it() {
        let start = FILES.iter().find(|file| file.path == "/index.html");
        assert_eq!(start.is_some(), !FILES.is_empty());
        assert!(start.is_none_or(|file| !file.immutable));
    }

    #[test]
    fn paths_are_unique_and_absolute_and_compression_saves() {
        for pair in FILES.windows(2) {
            assert!(pair[0].path < pair[1].path);
        }
        for file in FILES {
            assert!(
                file.path.starts_with('/') && !file.path.contains(".."),
                "{file:?}"
            );
            assert!(
                file.brotli
                    .is_none_or(|packed| packed.len() < file.bytes.len())
            );
        }
    }
}
