//! A short check over what this crate writes besides records: it finds torn and mixed-up pages. It is
//! no proof against forgery; the sealed stream carries its own.

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of a check.
pub(crate) const CHECK_LEN: usize = 8;

/// The first eight bytes of SHA-256.
pub(crate) fn check(bytes: &[u8]) -> [u8; CHECK_LEN] {
    digest(&SHA256, bytes)
        .as_ref()
        .first_chunk()
        .copied()
        .unwrap_or_default()
}

/// Appends a check of all bytes so far.
pub(crate) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = check(&bytes);
    bytes.extend_from_slice(&check);
    bytes
}

/// The bytes before their check, when it agrees.
pub(crate) fn open(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk::<CHECK_LEN>()?;
    (check(body) == *sum).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_seen() {
        let mut sealed = seal(b"text".to_vec());
        assert_eq!(open(&sealed), Some(b"text".as_slice()));
        sealed[0] ^= 1;
        assert_eq!(open(&sealed), None);
        assert_eq!(open(b"short"), None);
    }
}
