//! HMAC-SHA256 (RFC 2104) for values that this process gives out and takes back: nonces and challenges.

use aws_lc_rs::hmac;
use bartizan_domain::Secret;

/// Bytes of a tag.
pub(crate) const TAG_LEN: usize = 32;

/// A key that lives as long as the process.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    /// Takes 32 random bytes.
    pub(crate) fn new(random: &Secret<[u8; 32]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, random.expose()))
    }

    /// The tag over the parts, which the caller keeps apart by fixed lengths.
    pub(crate) fn tag(&self, context: &'static [u8], message: &[u8]) -> [u8; TAG_LEN] {
        let mut signer = hmac::Context::with_key(&self.0);
        signer.update(context);
        signer.update(message);
        let mut out = [0; TAG_LEN];
        out.iter_mut()
            .zip(signer.sign().as_ref())
            .for_each(|(to, from)| *to = *from);
        out
    }
}
