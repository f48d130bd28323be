//! The account of this device: one folder of mode 0700 with files of mode 0600, replaced atomically.
//!
//! `account` holds what makes this device a member's device: where the gateway is, how it is recognised,
//! the device key, the token and the member's keys. `roster` is the verified log, `seen` the highest state
//! of the roster and of every stream, so that a gateway that goes back behind them is noticed. The secrets
//! are as safe as the user's own files: whoever reads them as this user, or as root, is this user. A
//! key store of the operating system is not used; that is written in `docs/command-line.md`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bartizan_base::files::{self, FileError};
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{
    CameraId, DeviceId, Fingerprint, Hash, MemberId, Secret, SiteId, StreamId, UtcMillis,
};
use bartizan_identity::Statement;
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::{MAX_STATEMENT_BYTES, MAX_STATEMENTS};
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use crate::stream::HighWater;

/// Largest `account` file in bytes.
pub const MAX_ACCOUNT: u64 = 128 * 1024;

/// Largest `roster` file in bytes.
pub const MAX_ROSTER: u64 = 64 * 1024 * 1024;

/// Largest `seen` file in bytes: two streams of each of the cameras that a site ever had, cut to the
/// newest [`MAX_SEEN`].
pub const MAX_SEEN_FILE: u64 = 1024 * 1024;

/// Streams whose highest manifest is kept.
pub const MAX_SEEN: usize = 4_096;

const ACCOUNT_VERSION: u8 = 1;
const SEEN_VERSION: u8 = 1;
const MAX_ORIGIN: usize = 300;
const MAX_DEVICE_KEY: usize = 512;
const MAX_TOKEN: usize = 4_096;
const MAX_KEYSTORE: usize = 16 * 1024;
/// What lets others in: any right of group or others.
const OTHERS: u32 = 0o077;

/// Why the account of this device can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is none.
    #[error("this device has no account in {}: claim a gateway or sign in first", folder.display())]
    NoAccount {
        /// Where one was looked for.
        folder: PathBuf,
    },
    /// There is one already.
    #[error(
        "{} holds the account of another sign-in: sign out first, or choose another folder with \
         --profile",
        folder.display()
    )]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// A file can't be read or written.
    #[error("the account's folder can't be used")]
    File(#[from] FileError),
    /// A file is not what this program wrote.
    #[error(
        "{} is damaged: sign out and sign in again with the recovery key",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: WireError,
    },
    /// The lock could not be taken.
    #[error("{} can't be locked", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Neither `HOME` nor `XDG_DATA_HOME` says where accounts are kept.
    #[error("there is no home folder: say with --profile where the account is kept")]
    NoHome,
}

/// What makes this device a member's device.
pub struct Account {
    /// Scheme, host and port of the gateway.
    pub origin: String,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`) of the gateway's certificate or its site CA;
    /// `None` for plain HTTP on this machine.
    pub pin: Option<Fingerprint>,
    /// Whose household.
    pub site: SiteId,
    /// Who.
    pub member: MemberId,
    /// With which device.
    pub device: DeviceId,
    /// The device key, PKCS#8.
    pub device_key: Secret<Vec<u8>>,
    /// The token.
    pub token: Secret<String>,
    /// When the token ends.
    pub expires: UtcMillis,
    /// The member's keys.
    pub keystore: Keystore,
    /// Hash of the genesis, pinned at the claim or sign-in.
    pub genesis: Hash,
}

impl Account {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(ACCOUNT_VERSION).vec16(self.origin.as_bytes());
        match &self.pin {
            Some(pin) => out.u8(1).fixed(pin.as_bytes()),
            None => out.u8(0),
        };
        out.fixed(self.site.as_bytes())
            .fixed(self.member.as_bytes())
            .fixed(self.device.as_bytes())
            .vec16(self.device_key.expose())
            .vec16(self.token.expose().as_bytes())
            .time(self.expires)
            .vec16(self.keystore.encode().expose())
            .fixed(self.genesis.as_bytes());
        Zeroizing::new(out.into_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        input.exactly("account version", ACCOUNT_VERSION)?;
        let origin = text(input.vec16("origin", MAX_ORIGIN)?, "origin")?;
        let pin = match input.u8("pin")? {
            0 => None,
            1 => Some(Fingerprint::new(input.array("pin")?)),
            code => {
                return Err(WireError::Unknown {
                    field: "pin",
                    value: code.into(),
                });
            }
        };
        let account = Self {
            origin,
            pin,
            site: SiteId::new(input.array("site")?),
            member: MemberId::new(input.array("member")?),
            device: DeviceId::new(input.array("device")?),
            device_key: Secret::new(input.vec16("device key", MAX_DEVICE_KEY)?.to_vec()),
            token: Secret::new(text(input.vec16("token", MAX_TOKEN)?, "token")?),
            expires: input.time("expiry")?,
            keystore: Keystore::decode(input.vec16("key store", MAX_KEYSTORE)?)?,
            genesis: input.hash("genesis")?,
        };
        input.finish()?;
        Ok(account)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("site", &self.site)
            .field("member", &self.member)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

fn text(bytes: &[u8], field: &'static str) -> Result<String, WireError> {
    let text = std::str::from_utf8(bytes).map_err(|_opaque| WireError::Unknown {
        field,
        value: u64::from(bytes.first().copied().unwrap_or_default()),
    })?;
    Ok(text.to_owned())
}

/// The highest state that this device has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Length and head of the longest roster.
    pub roster: Option<(u64, Hash)>,
    /// The highest manifest of each stream.
    pub streams: BTreeMap<StreamId, HighWater>,
}

impl Seen {
    /// Notes a manifest; a lower one changes nothing.
    pub fn note(&mut self, stream: StreamId, high: HighWater) {
        let known = self.streams.get(&stream);
        if known.is_none_or(|known| known.counter < high.counter) {
            self.streams.insert(stream, high);
        }
        while self.streams.len() > MAX_SEEN {
            let oldest = self.streams.iter().min_by_key(|(_, high)| high.time);
            let Some(oldest) = oldest.map(|(stream, _)| *stream) else {
                break;
            };
            self.streams.remove(&oldest);
        }
    }

    /// Notes a roster; a shorter one changes nothing.
    pub fn note_roster(&mut self, len: u64, head: Hash) {
        if self.roster.is_none_or(|(known, _)| known < len) {
            self.roster = Some((len, head));
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(SEEN_VERSION);
        let (len, head) = self.roster.unwrap_or((0, Hash::ZERO));
        out.u64(len).fixed(head.as_bytes());
        out.u16(u16::try_from(self.streams.len()).unwrap_or(u16::MAX));
        for (stream, high) in &self.streams {
            out.fixed(stream.camera.as_bytes())
                .u8(stream.rendition.code())
                .u64(high.counter)
                .time(high.time)
                .fixed(high.hash.as_bytes());
        }
        out.into_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        input.exactly("seen version", SEEN_VERSION)?;
        let (len, head) = (input.u64("roster length")?, input.hash("roster head")?);
        let mut seen = Self {
            roster: (len > 0).then_some((len, head)),
            streams: BTreeMap::new(),
        };
        for _ in 0..input.count16("streams", MAX_SEEN)? {
            let stream = StreamId {
                camera: CameraId::new(input.array("camera")?),
                rendition: input.rendition("rendition")?,
            };
            let high = HighWater {
                counter: input.u64("counter")?,
                time: input.time("time")?,
                hash: input.hash("hash")?,
            };
            seen.streams.insert(stream, high);
        }
        input.finish()?;
        Ok(seen)
    }
}

/// The folder of an account.
#[derive(Debug, Clone)]
pub struct Profile {
    folder: PathBuf,
}

impl Profile {
    /// The account in `folder`, whether it exists or not.
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where accounts are kept when nobody says otherwise: `bartizan` in `XDG_DATA_HOME`, else in
    /// `~/.local/share` (XDG Base Directory Specification). Relative values are ignored, as it says.
    pub fn default_folder(
        data_home: Option<OsString>,
        home: Option<OsString>,
    ) -> Result<PathBuf, ProfileError> {
        let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let data = data_home.and_then(absolute);
        let data = data.or_else(|| Some(home.and_then(absolute)?.join(".local/share")));
        Ok(data.ok_or(ProfileError::NoHome)?.join("bartizan"))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, and refuses it when an account is there.
    pub fn require_empty(&self) -> Result<(), ProfileError> {
        files::create_private_dir(&self.folder)?;
        if self.path("account").exists() {
            let folder = self.folder.clone();
            return Err(ProfileError::Taken { folder });
        }
        Ok(())
    }

    /// Reads the account. A folder or file that others can use is refused.
    pub fn load(&self) -> Result<Account, ProfileError> {
        let path = self.path("account");
        let bytes = match files::read_private(&path, MAX_ACCOUNT, OTHERS) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.is_not_found() => {
                let folder = self.folder.clone();
                return Err(ProfileError::NoAccount { folder });
            }
            Err(error) => return Err(error.into()),
        };
        Account::decode(&bytes).map_err(damaged(&path))
    }

    /// Writes the account.
    pub fn save(&self, account: &Account) -> Result<(), ProfileError> {
        files::create_private_dir(&self.folder)?;
        files::write_atomic(&self.path("account"), &account.encode())?;
        Ok(())
    }

    /// Writes down that the token is good until `expires`; other processes with the same account wait meanwhile.
    pub fn note_expiry(&self, expires: UtcMillis) -> Result<(), ProfileError> {
        let _held = self.lock()?;
        let account = self.load()?;
        self.save(&Account { expires, ..account })
    }

    /// Removes account, roster and what was seen. The device stays on the roster until it is removed there.
    pub fn forget(&self) -> Result<(), ProfileError> {
        for name in ["account", "roster", "seen", "lock"] {
            let path = self.path(name);
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    let act = files::Act::Write;
                    return Err(FileError::Io { act, path, source }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The statements that were kept; none when there is no file. They are not verified here.
    pub fn roster(&self) -> Result<Vec<Statement>, ProfileError> {
        let path = self.path("roster");
        let Some(bytes) = optional(&path, MAX_ROSTER)? else {
            return Ok(Vec::new());
        };
        decode_roster(&bytes).map_err(damaged(&path))
    }

    /// Keeps the statements of a verified roster.
    pub fn save_roster(&self, statements: &[Statement]) -> Result<(), ProfileError> {
        let mut out = Writer::new();
        for statement in statements {
            out.vec16(statement.as_bytes());
        }
        files::write_atomic(&self.path("roster"), out.as_slice())?;
        Ok(())
    }

    /// The highest state that this device has seen.
    pub fn seen(&self) -> Result<Seen, ProfileError> {
        let path = self.path("seen");
        match optional(&path, MAX_SEEN_FILE)? {
            Some(bytes) => Seen::decode(&bytes).map_err(damaged(&path)),
            None => Ok(Seen::default()),
        }
    }

    /// Changes what was seen; other processes with the same account wait meanwhile.
    pub fn note(&self, change: impl FnOnce(&mut Seen)) -> Result<(), ProfileError> {
        let _held = self.lock()?;
        let before = self.seen()?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            files::write_atomic(&self.path("seen"), &after.encode())?;
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Held until the file is dropped.
    fn lock(&self) -> Result<File, ProfileError> {
        let path = self.path("lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let locked = options.open(&path).and_then(|file| {
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        });
        locked.map_err(|source| ProfileError::Lock { path, source })
    }
}

/// A private file's bytes, when there is such a file.
fn optional(path: &Path, max: u64) -> Result<Option<Vec<u8>>, ProfileError> {
    match files::read_private(path, max, OTHERS) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Statements behind two-byte lengths, as [`Profile::save_roster`] writes them.
fn decode_roster(bytes: &[u8]) -> Result<Vec<Statement>, WireError> {
    let mut input = Reader::new(bytes);
    let mut statements = Vec::new();
    while !input.rest().is_empty() {
        if statements.len() >= MAX_STATEMENTS {
            return Err(WireError::TooLong {
                field: "roster",
                len: statements.len(),
                max: MAX_STATEMENTS,
            });
        }
        let bytes = input.vec16("statement", MAX_STATEMENT_BYTES)?;
        let statement = Statement::decode(bytes).map_err(|_opaque| WireError::Unknown {
            field: "statement",
            value: statements.len() as u64,
        })?;
        statements.push(statement);
    }
    Ok(statements)
}

fn damaged(path: &Path) -> impl FnOnce(WireError) -> ProfileError {
    let path = path.to_owned();
    move |source| ProfileError::Damaged { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fixture::{DEVICE, OWNER, SITE, STREAM, history, keystore};

    fn account() -> Account {
        Account {
            origin: "https://10.0.0.2:8443".to_owned(),
            pin: Some(Fingerprint::new([8; 32])),
            site: SITE,
            member: OWNER,
            device: DEVICE,
            device_key: Secret::new(vec![1; 138]),
            token: Secret::new("a-token-of-this-device".to_owned()),
            expires: UtcMillis(9),
            keystore: keystore(),
            genesis: Hash::new([4; 32]),
        }
    }

    fn profile() -> (tempfile::TempDir, Profile) {
        let tmp = tempfile::tempdir().unwrap();
        let profile = Profile::at(tmp.path().join("some/where"));
        (tmp, profile)
    }

    fn high(counter: u64) -> HighWater {
        HighWater {
            counter,
            time: UtcMillis(counter),
            hash: Hash::new([1; 32]),
        }
    }

    #[test]
    fn an_account_comes_back_as_it_was() {
        let (_tmp, profile) = profile();
        assert!(matches!(
            profile.load(),
            Err(ProfileError::NoAccount { .. })
        ));
        profile.require_empty().unwrap();
        profile.save(&account()).unwrap();
        assert_eq!(*profile.load().unwrap().encode(), *account().encode());
        assert!(matches!(
            profile.require_empty(),
            Err(ProfileError::Taken { .. })
        ));
        profile.forget().unwrap();
        profile.require_empty().unwrap();
    }

    #[test]
    fn account_files_are_for_their_owner_only() {
        let (_tmp, profile) = profile();
        profile.save(&account()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(profile.folder()), 0o700);
        let path = profile.path("account");
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = profile.load();
        assert!(matches!(
            refused,
            Err(ProfileError::File(FileError::Exposed { .. }))
        ));
    }

    #[test]
    fn nothing_of_an_account_is_printed() {
        let printed = format!("{:?}", account());
        assert!(!printed.contains("token-of") && !printed.contains("10.0.0.2"));
    }

    #[test]
    fn the_roster_comes_back() {
        let (_tmp, profile) = profile();
        profile.require_empty().unwrap();
        assert!(profile.roster().unwrap().is_empty());
        profile.save_roster(history().statements()).unwrap();
        assert_eq!(profile.roster().unwrap(), history().statements());
        let path = profile.path("roster");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        files::write_atomic(&path, &bytes).unwrap();
        assert!(matches!(
            profile.roster(),
            Err(ProfileError::Damaged { .. })
        ));
    }

    #[test]
    fn what_was_seen_only_grows() {
        let (_tmp, profile) = profile();
        profile.require_empty().unwrap();
        for counter in [5, 7, 6] {
            profile
                .note(|seen| seen.note(STREAM, high(counter)))
                .unwrap();
        }
        for len in [2, 3, 1] {
            let head = Hash::new([u8::try_from(len).unwrap(); 32]);
            profile.note(|seen| seen.note_roster(len, head)).unwrap();
        }
        let seen = profile.seen().unwrap();
        assert_eq!(seen.streams.get(&STREAM), Some(&high(7)));
        assert_eq!(seen.roster, Some((3, Hash::new([3; 32]))));
    }

    #[test]
    fn streams_long_gone_make_room() {
        let mut seen = Seen::default();
        for n in 0..=MAX_SEEN as u64 {
            let mut camera = [0; 16];
            camera[..8].copy_from_slice(&n.to_be_bytes());
            let camera = CameraId::new(camera);
            seen.note(StreamId { camera, ..STREAM }, high(n + 1));
        }
        assert_eq!(seen.streams.len(), MAX_SEEN);
        assert!(seen.streams.values().all(|high| high.counter > 1));
        assert_eq!(Seen::decode(&seen.encode()), Ok(seen));
    }

    #[test]
    fn the_default_folder_follows_the_xdg_rules() {
        let folder = |data: Option<&str>, home: Option<&str>| {
            Profile::default_folder(data.map(Into::into), home.map(Into::into))
        };
        assert_eq!(
            folder(Some("/data"), Some("/me")).unwrap(),
            Path::new("/data/bartizan")
        );
        assert_eq!(
            folder(Some("relative"), Some("/me")).unwrap(),
            Path::new("/me/.local/share/bartizan")
        );
        assert!(matches!(folder(None, None), Err(ProfileError::NoHome)));
    }
}
