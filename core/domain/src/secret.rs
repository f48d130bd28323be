//! Wrappers that keep secrets and private text out of logs, errors and comparisons.
//!
//! `Secret` is key material and credentials: never printed, wiped when dropped, compared in constant
//! time. `Private` is what belongs to the household (names, addresses): held in clear, printed as
//! `‹private›`.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Key material or a credential.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps `value`; the caller keeps no copy.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Each call is a place where a secret may leak: keep them few.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// Something of the household's: shown to members, not to logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for someone who is entitled to it.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value, given away.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹private›")
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_prints_its_value() {
        let secret = Secret::new("hunter2".to_owned());
        let private = Private::new("Nursery".to_owned());
        assert_eq!(format!("{secret:?} {private:?}"), "‹secret› ‹private›");
    }

    #[test]
    fn secrets_compare_by_value() {
        assert_eq!(Secret::new([1_u8, 2]), Secret::new([1, 2]));
        assert_ne!(Secret::new([1_u8, 2]), Secret::new([1, 3]));
    }
}
