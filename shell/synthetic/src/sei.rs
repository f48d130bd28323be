//! The SEI message that carries the canary, in clear, inside the access unit.

/// Names these messages (14496-10 §D.2.7). No byte of it is zero, so nothing needs escaping.
pub(crate) const UUID: [u8; 16] = *b"bartizan-canary.";

/// A whole SEI NAL unit with `text`: 1 to 200 printable ASCII bytes, among which there is nothing that
/// would need emulation prevention (14496-10 §7.4.1).
pub(crate) fn user_data(text: &[u8]) -> Vec<u8> {
    // nal_unit_type 6; payload type 5, user_data_unregistered; size in one byte (§7.3.2.3.1).
    let size = u8::try_from(UUID.len().saturating_add(text.len())).unwrap_or(u8::MAX);
    let mut nal = vec![6, 5, size];
    nal.extend_from_slice(&UUID);
    nal.extend_from_slice(text);
    // rbsp_trailing_bits (§7.3.2.11).
    nal.push(0x80);
    nal
}
