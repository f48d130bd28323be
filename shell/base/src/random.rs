//! Randomness for keys, tokens and ids, from the one cryptography provider. Nothing here is seedable:
//! what tests want to repeat takes its random bytes as an argument.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness;

/// Fills `out`.
///
/// # Errors
/// [`NoRandomness`], in practice never: the caller gives up what it was about to do.
pub fn fill(out: &mut [u8]) -> Result<(), NoRandomness> {
    SystemRandom::new()
        .fill(out)
        .map_err(|_unspecified| NoRandomness)
}

/// `N` bytes: 16 for an id, 32 for a key or a token.
///
/// # Errors
/// As [`fill`].
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_do_not_repeat() {
        assert_ne!(bytes::<32>(), bytes::<32>());
        assert_ne!(bytes::<16>(), Ok([0; 16]));
    }
}
