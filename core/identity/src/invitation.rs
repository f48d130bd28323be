//! An invitation: 32 random bytes that one signed-in device hands to a new device of the same member.
//!
//! The device that invites locks its key store under a key of the secret and leaves the locked bytes with the
//! gateway under a name of the secret. The new device is told the secret from screen to camera, so the gateway,
//! which sees name and locked bytes, opens nothing.

use aws_lc_rs::hkdf;
use bartizan_domain::{Hash, Secret};

use crate::key::sha256;

/// Bytes of an invitation's secret.
pub const SECRET_LEN: usize = 32;

/// The secret of one invitation. It has no `Display`: the link that carries it is made in one place.
#[derive(Debug, Clone)]
pub struct Invitation {
    secret: Secret<[u8; SECRET_LEN]>,
}

impl Invitation {
    /// The invitation of 32 secret random bytes.
    pub const fn new(secret: Secret<[u8; SECRET_LEN]>) -> Self {
        Self { secret }
    }

    /// The secret, for the link.
    pub const fn secret(&self) -> &Secret<[u8; SECRET_LEN]> {
        &self.secret
    }

    /// What the gateway knows it by: `SHA-256("bartizan/v1/invitation-id" ‖ secret)`.
    pub fn id(&self) -> Hash {
        sha256(&[b"bartizan/v1/invitation-id", self.secret.expose()])
    }

    /// Locks the key store: `HKDF-Expand(secret, "bartizan/v1/invitation-lock")` (RFC 5869 §2.3).
    pub fn lock(&self) -> Secret<[u8; 32]> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.secret.expose());
        let mut out = [0; 32];
        prk.expand(&[b"bartizan/v1/invitation-lock"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .expect("32 bytes are within HKDF's limit");
        Secret::new(out)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// The app's `web/src/account/invitation.test.ts` has the same values.
    #[test]
    fn known_answer() {
        let invitation = Invitation::new(Secret::new([7; 32]));
        assert_eq!(
            HEXLOWER.encode(invitation.id().as_bytes()),
            "f313a3a9e69904b40bfe6ae09a29aee199e1f6309550c07131c8572ca78348c8"
        );
        assert_eq!(
            HEXLOWER.encode(invitation.lock().expose()),
            "8e484b4d671fc48219972c61142cb60f8df57de9eb7e75300ff72a2f9f7d2e32"
        );
    }
}
