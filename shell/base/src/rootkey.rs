//! The gateway's root key: 32 bytes under which its private columns are sealed at rest.
//!
//! It comes from a systemd credential, which systemd can bind to the machine's TPM, or else from a file
//! of mode 0600 beside the data. The second protects only against whoever gets the database without its
//! folder, so the result says which it was and the owner is told. The environment is not read here:
//! `$CREDENTIALS_DIRECTORY` is an argument.

use std::path::{Path, PathBuf};

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use bartizan_domain::Secret;
use zeroize::Zeroize;

use crate::files::{self, FileError};
use crate::random;

/// Length in bytes.
pub const LEN: usize = 32;

/// Name of the credential (`LoadCredentialEncrypted=` of systemd.exec(5)).
pub const CREDENTIAL: &str = "bartizan-root-key";

/// Name of the file that stands in for it.
pub const FILE: &str = "root.key";

/// The key, and where it came from.
#[derive(Debug, Clone)]
pub struct RootKey {
    key: Secret<[u8; LEN]>,
    source: RootKeySource,
}

/// Where the root key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootKeySource {
    /// A systemd credential: on disk sealed by the host's key, and by the TPM where there is one.
    Credential,
    /// A plain file beside the data: weaker, since it is stolen along with it.
    File,
}

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// It can't be read or written, or others can read it.
    #[error("the root key can't be used")]
    File(#[from] FileError),
    /// It is there, but not 32 bytes.
    #[error("{} holds {len} bytes; a root key has {LEN}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: usize,
    },
    /// A new key can't be drawn.
    #[error("a root key can't be created")]
    Random(#[from] random::NoRandomness),
}

impl RootKey {
    /// The key from `credentials`, else from `data_dir`, else a new one written to `data_dir`.
    ///
    /// A credential may be readable by its group (systemd grants it by an ACL, whose mask shows there);
    /// a file may not.
    pub fn load(credentials: Option<&Path>, data_dir: &Path) -> Result<Self, RootKeyError> {
        let credential = credentials.map(|folder| folder.join(CREDENTIAL));
        if let Some(path) = credential
            && let Some(key) = read(&path, 0o007)?
        {
            let source = RootKeySource::Credential;
            return Ok(Self { key, source });
        }
        let key = load_or_create(&data_dir.join(FILE))?;
        let source = RootKeySource::File;
        Ok(Self { key, source })
    }

    /// A key given by the caller: for tests and for tools that restore a backup.
    pub const fn from_bytes(key: [u8; LEN], source: RootKeySource) -> Self {
        Self {
            key: Secret::new(key),
            source,
        }
    }

    /// Where it came from.
    pub const fn source(&self) -> RootKeySource {
        self.source
    }

    /// Recognises this key without revealing it: kept in the database, it tells "another root key" from
    /// "damaged data".
    pub fn id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        expand(&self.pseudo_random_key(), &[b"root key id"], &mut id);
        id
    }

    /// The extracted key that per-purpose keys are expanded from (RFC 5869 §2.2).
    pub(crate) fn pseudo_random_key(&self) -> Prk {
        Salt::new(HKDF_SHA256, b"bartizan root key v1").extract(self.key.expose())
    }
}

/// RFC 5869 §2.3, for outputs that are at most 255 hashes long.
pub(crate) fn expand(prk: &Prk, info: &[&[u8]], out: &mut [u8]) {
    struct Len(usize);
    impl aws_lc_rs::hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    prk.expand(info, Len(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("the output is shorter than 255 hashes");
}

fn load_or_create(path: &Path) -> Result<Secret<[u8; LEN]>, RootKeyError> {
    if let Some(key) = read(path, 0o077)? {
        return Ok(key);
    }
    let key = Secret::new(random::bytes::<LEN>()?);
    match files::write_new(path, key.expose()) {
        Ok(()) => Ok(key),
        // Another process was faster: its key is the one.
        Err(error) if error.is_already_exists() => read(path, 0o077)?.ok_or(error.into()),
        Err(error) => Err(error.into()),
    }
}

fn read(path: &Path, forbidden: u32) -> Result<Option<Secret<[u8; LEN]>>, RootKeyError> {
    let max = u64::try_from(LEN).unwrap_or_default();
    let mut bytes = match files::read_private(path, max, forbidden) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let key = <[u8; LEN]>::try_from(bytes.as_slice());
    let len = bytes.len();
    bytes.zeroize();
    match key {
        Ok(key) => Ok(Some(Secret::new(key))),
        Err(_) => Err(RootKeyError::Length {
            path: path.to_owned(),
            len,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn put(folder: &Path, name: &str, bytes: &[u8], mode: u32) {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_created_key_is_found_again() {
        let tmp = tempfile::tempdir().unwrap();
        let first = RootKey::load(None, tmp.path()).unwrap();
        let again = RootKey::load(None, tmp.path()).unwrap();
        assert_eq!(first.source(), RootKeySource::File);
        assert_eq!(first.id(), again.id());
        let mode = fs::metadata(tmp.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_credential_comes_first() {
        let (credentials, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(credentials.path(), CREDENTIAL, &[7; LEN], 0o440);
        let key = RootKey::load(Some(credentials.path()), data.path()).unwrap();
        assert_eq!(key.source(), RootKeySource::Credential);
        assert!(!data.path().join(FILE).exists());
    }

    #[test]
    fn without_the_credential_the_weaker_choice_is_told() {
        let (credentials, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = RootKey::load(Some(credentials.path()), data.path()).unwrap();
        assert_eq!(key.source(), RootKeySource::File);
    }

    #[test]
    fn an_exposed_or_cut_key_is_refused_and_not_replaced() {
        let tmp = tempfile::tempdir().unwrap();
        put(tmp.path(), FILE, &[7; LEN], 0o640);
        let exposed = RootKey::load(None, tmp.path());
        assert!(matches!(
            exposed,
            Err(RootKeyError::File(FileError::Exposed { .. }))
        ));
        put(tmp.path(), FILE, &[7; 31], 0o600);
        let cut = RootKey::load(None, tmp.path());
        assert!(matches!(cut, Err(RootKeyError::Length { len: 31, .. })));
        put(tmp.path(), FILE, &[7; 33], 0o600);
        assert!(RootKey::load(None, tmp.path()).is_err());
        assert_eq!(fs::read(tmp.path().join(FILE)).unwrap().len(), 33);
    }

    #[test]
    fn a_key_never_prints() {
        let key = RootKey::from_bytes([0x41; LEN], RootKeySource::File);
        assert_eq!(
            format!("{key:?}"),
            "RootKey { key: ‹secret›, source: File }"
        );
    }
}
