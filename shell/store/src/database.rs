//! Queries and transactions.
//!
//! Writes begin with `BEGIN IMMEDIATE`: a transaction that reads first and writes later would fail under
//! contention instead of waiting. `synchronous=FULL`: what a call has confirmed survives a power cut.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use bartizan_access::token::{TokenHash, TokenRecord};
use bartizan_base::AtRest;
use bartizan_base::seal_at_rest::{AtRestError, Purpose};
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, Fingerprint, MemberId, Secret, UtcMillis, sabotage};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
use zeroize::Zeroizing;

use crate::passkeys::{forget_device, forget_member};
use crate::rows::{CameraRow, SealedCamera};

const SECRET: Purpose = Purpose::new("secret.sealed");
const DEVICE: Purpose = Purpose::new("device.sealed");
const MEMBER: Purpose = Purpose::new("member.sealed");
const CAMERA: Purpose = Purpose::new("camera.sealed");

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed: disk, lock or schema.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Its schema is newer than this program, or a migration failed.
    #[error("the database can't be brought to this version")]
    Migration(#[from] MigrateError),
    /// A sealed column does not open: the root key is another one, or the row was changed.
    #[error("a private column does not open with this root key")]
    Sealed(#[from] AtRestError),
    /// A column holds something that this program never wrote.
    #[error("the database holds a malformed {0}")]
    Malformed(&'static str),
    /// The row is there already, or the statement does not follow.
    #[error("it is in the database already")]
    Exists,
    /// A limit is reached.
    #[error("there are {1} {0} at most")]
    Full(&'static str, usize),
}

/// Which locked copy of a key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The member's own, locked by their devices.
    Own,
    /// The owner's, locked by the recovery key.
    Recovery,
}

impl Slot {
    const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Recovery => "recovery",
        }
    }
}

/// All that a claim writes, in one transaction.
#[derive(Debug)]
pub struct Claimed<'a> {
    /// The genesis.
    pub genesis: &'a [u8],
    /// The owner and their name.
    pub owner: (MemberId, &'a Name),
    /// The claiming device and its name.
    pub device: (DeviceId, &'a Name),
    /// The device's token.
    pub token: (TokenHash, TokenRecord),
    /// The owner's key store, locked with the recovery key.
    pub recovery_keystore: &'a [u8],
    /// When.
    pub now: UtcMillis,
}

/// Who goes with a statement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gone<'a> {
    /// Devices that are removed.
    pub devices: &'a [DeviceId],
    /// The member who is removed.
    pub member: Option<MemberId>,
}

/// The database.
#[derive(Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    pub(crate) at_rest: AtRest,
}

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens `path` (made with mode 0600 by its folder's protection), migrating it where needed.
    pub async fn open(path: &Path, at_rest: AtRest) -> Result<Self> {
        let url = format!("sqlite:{}", path.display());
        let options = SqliteConnectOptions::from_str(&url)?
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool, at_rest })
    }

    /// Closes the file; what was confirmed is on disk already.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'_, Sqlite>> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A secret of the gateway's own, or `None` when it was never stored.
    pub async fn secret(&self, name: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let row = sqlx::query("SELECT sealed FROM secret WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        Ok(Some(Zeroizing::new(self.at_rest.open(
            SECRET,
            name.as_bytes(),
            &sealed,
        )?)))
    }

    /// Stores a secret of the gateway's own.
    pub async fn put_secret(&self, name: &'static str, secret: &Secret<Vec<u8>>) -> Result<()> {
        let sealed = self
            .at_rest
            .seal(SECRET, name.as_bytes(), secret.expose())?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO secret (name, sealed) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(name)
        .bind(sealed)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The roster's statements in order.
    pub async fn statements(&self) -> Result<Vec<Vec<u8>>> {
        let rows = sqlx::query("SELECT bytes FROM statement ORDER BY sequence")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Writes a claim: everything or nothing.
    pub async fn claim(&self, claimed: &Claimed<'_>) -> Result<()> {
        let mut transaction = self.begin().await?;
        insert_statement(&mut transaction, 0, claimed.genesis).await?;
        let (owner, name) = claimed.owner;
        let sealed = self
            .at_rest
            .seal(MEMBER, owner.as_bytes(), name.as_str().as_bytes())?;
        sqlx::query("INSERT INTO member (id, sealed) VALUES ($1, $2)")
            .bind(owner.as_bytes().as_slice())
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
        self.insert_device(&mut transaction, claimed.device, claimed.token, claimed.now)
            .await?;
        put_keystore(
            &mut transaction,
            owner,
            Slot::Recovery,
            claimed.recovery_keystore,
        )
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Appends a statement that adds a device, with the device's name and token.
    pub async fn add_device(
        &self,
        (sequence, statement): (u64, &[u8]),
        device: (DeviceId, &Name),
        token: (TokenHash, TokenRecord),
        now: UtcMillis,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        insert_statement(&mut transaction, sequence, statement).await?;
        self.insert_device(&mut transaction, device, token, now)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn insert_device(
        &self,
        transaction: &mut Transaction<'_, Sqlite>,
        (id, name): (DeviceId, &Name),
        (hash, record): (TokenHash, TokenRecord),
        added: UtcMillis,
    ) -> Result<()> {
        let sealed = self
            .at_rest
            .seal(DEVICE, id.as_bytes(), name.as_str().as_bytes())?;
        sqlx::query("INSERT INTO device (id, sealed, added) VALUES ($1, $2, $3)")
            .bind(id.as_bytes().as_slice())
            .bind(sealed)
            .bind(integer(added.0))
            .execute(&mut **transaction)
            .await?;
        sqlx::query(
            "INSERT INTO token (hash, member, device, thumbprint, expires)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash.as_bytes().as_slice())
        .bind(record.member.as_bytes().as_slice())
        .bind(record.device.as_bytes().as_slice())
        .bind(record.thumbprint.as_bytes().as_slice())
        .bind(integer(record.expires.0))
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }

    /// Appends a statement; a removed device loses its token, name and unlock share, a removed member their
    /// passkeys, in the same transaction.
    pub async fn append(&self, (sequence, statement): (u64, &[u8]), gone: Gone<'_>) -> Result<()> {
        let mut transaction = self.begin().await?;
        insert_statement(&mut transaction, sequence, statement).await?;
        for device in gone.devices {
            let id = device.as_bytes().as_slice();
            sqlx::query("DELETE FROM token WHERE device = $1")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM device WHERE id = $1")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            forget_device(&mut transaction, *device).await?;
        }
        if let Some(member) = gone.member {
            forget_member(&mut transaction, member).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// What is stored of the token with this hash.
    pub async fn token(&self, hash: TokenHash) -> Result<Option<TokenRecord>> {
        let row =
            sqlx::query("SELECT member, device, thumbprint, expires FROM token WHERE hash = $1")
                .bind(hash.as_bytes().as_slice())
                .fetch_optional(&self.pool)
                .await?;
        row.as_ref().map(token_record).transpose()
    }

    /// Makes a device's token good until `expires`, never shorter; gives its new end, or `None` when the device
    /// has no token.
    pub async fn renew_token(
        &self,
        device: DeviceId,
        expires: UtcMillis,
    ) -> Result<Option<UtcMillis>> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "UPDATE token SET expires = MAX(expires, $1) WHERE device = $2
             RETURNING member, device, thumbprint, expires",
        )
        .bind(integer(expires.0))
        .bind(device.as_bytes().as_slice())
        .fetch_optional(&mut *transaction)
        .await?;
        let record = row.as_ref().map(token_record).transpose()?;
        transaction.commit().await?;
        Ok(record.map(|record| record.expires))
    }

    /// Each device's name, when it was added, and until when its token is good.
    pub async fn devices(&self) -> Result<Vec<(DeviceId, Name, UtcMillis, Option<UtcMillis>)>> {
        let rows = sqlx::query(
            "SELECT device.id, device.sealed, device.added, token.expires
             FROM device LEFT JOIN token ON token.device = device.id
             ORDER BY device.added, device.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let id = DeviceId::new(fixed(row, 0, "device id")?);
                let sealed: Vec<u8> = row.try_get(1)?;
                let name = self.open_name(DEVICE, id.as_bytes(), &sealed)?;
                let expires: Option<i64> = row.try_get(3)?;
                Ok((
                    id,
                    name,
                    time(row.try_get(2)?)?,
                    expires.map(time).transpose()?,
                ))
            })
            .collect()
    }

    /// Each member's name.
    pub async fn members(&self) -> Result<Vec<(MemberId, Name)>> {
        let rows = sqlx::query("SELECT id, sealed FROM member")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let id = MemberId::new(fixed(row, 0, "member id")?);
                let sealed: Vec<u8> = row.try_get(1)?;
                Ok((id, self.open_name(MEMBER, id.as_bytes(), &sealed)?))
            })
            .collect()
    }

    fn open_name(&self, purpose: Purpose, id: &[u8], sealed: &[u8]) -> Result<Name> {
        let text = self.at_rest.open(purpose, id, sealed)?;
        let text = str::from_utf8(&text).map_err(|_opaque| StoreError::Malformed("name"))?;
        Name::parse(text).map_err(|_opaque| StoreError::Malformed("name"))
    }

    /// A member's locked key store.
    pub async fn keystore(&self, member: MemberId, slot: Slot) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT locked FROM keystore WHERE member = $1 AND slot = $2")
            .bind(member.as_bytes().as_slice())
            .bind(slot.name())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Replaces a member's locked key store.
    pub async fn put_keystore(&self, member: MemberId, slot: Slot, locked: &[u8]) -> Result<()> {
        let mut transaction = self.begin().await?;
        put_keystore(&mut transaction, member, slot, locked).await?;
        Ok(transaction.commit().await?)
    }

    /// All cameras, oldest first.
    pub async fn cameras(&self) -> Result<Vec<CameraRow>> {
        let rows = sqlx::query("SELECT id, sealed FROM camera ORDER BY added, id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| self.camera_row(row)).collect()
    }

    fn camera_row(&self, row: &SqliteRow) -> Result<CameraRow> {
        let id = CameraId::new(fixed(row, 0, "camera id")?);
        let sealed: Vec<u8> = row.try_get(1)?;
        let clear = Zeroizing::new(self.at_rest.open(CAMERA, id.as_bytes(), &sealed)?);
        let camera: SealedCamera =
            serde_json::from_slice(&clear).map_err(|_opaque| StoreError::Malformed("camera"))?;
        Ok(CameraRow {
            id,
            name: camera.name,
            settings: camera.settings,
        })
    }

    /// Appends the statement that adds a camera, with the camera.
    pub async fn add_camera(
        &self,
        (sequence, statement): (u64, &[u8]),
        camera: &CameraRow,
        now: UtcMillis,
    ) -> Result<()> {
        let sealed = self.seal_camera(camera)?;
        let mut transaction = self.begin().await?;
        insert_statement(&mut transaction, sequence, statement).await?;
        sqlx::query("INSERT INTO camera (id, sealed, added) VALUES ($1, $2, $3)")
            .bind(camera.id.as_bytes().as_slice())
            .bind(sealed)
            .bind(integer(now.0))
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Replaces a camera's name and settings.
    pub async fn put_camera(&self, camera: &CameraRow) -> Result<()> {
        let sealed = self.seal_camera(camera)?;
        if sabotage::off("G-2") {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE camera SET sealed = $2 WHERE id = $1")
            .bind(camera.id.as_bytes().as_slice())
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Appends the statement that removes a camera, and removes it.
    pub async fn remove_camera(
        &self,
        (sequence, statement): (u64, &[u8]),
        camera: CameraId,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        insert_statement(&mut transaction, sequence, statement).await?;
        sqlx::query("DELETE FROM camera WHERE id = $1")
            .bind(camera.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    fn seal_camera(&self, camera: &CameraRow) -> Result<Vec<u8>> {
        let document = SealedCamera {
            name: camera.name.clone(),
            settings: camera.settings.clone(),
        };
        let clear = serde_json::to_vec(&document).map(Zeroizing::new);
        let clear = clear.map_err(|_opaque| StoreError::Malformed("camera"))?;
        Ok(self.at_rest.seal(CAMERA, camera.id.as_bytes(), &clear)?)
    }
}

async fn insert_statement(
    transaction: &mut Transaction<'_, Sqlite>,
    sequence: u64,
    statement: &[u8],
) -> Result<()> {
    let done = sqlx::query("INSERT INTO statement (sequence, bytes) VALUES ($1, $2)")
        .bind(integer(sequence))
        .bind(statement)
        .execute(&mut **transaction)
        .await;
    match done {
        Ok(_) if sabotage::off("G-2") => half(transaction).await,
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(StoreError::Exists),
        Err(error) => Err(error.into()),
    }
}

/// Makes what was written so far last although the rest may fail: with the control G-2 off.
async fn half(transaction: &mut Transaction<'_, Sqlite>) -> Result<()> {
    for statement in ["COMMIT", "BEGIN IMMEDIATE"] {
        sqlx::query(statement).execute(&mut **transaction).await?;
    }
    Ok(())
}

async fn put_keystore(
    transaction: &mut Transaction<'_, Sqlite>,
    member: MemberId,
    slot: Slot,
    locked: &[u8],
) -> Result<()> {
    sqlx::query(
        "INSERT INTO keystore (member, slot, locked) VALUES ($1, $2, $3)
         ON CONFLICT (member, slot) DO UPDATE SET locked = excluded.locked",
    )
    .bind(member.as_bytes().as_slice())
    .bind(slot.name())
    .bind(locked)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn token_record(row: &SqliteRow) -> Result<TokenRecord> {
    Ok(TokenRecord {
        member: MemberId::new(fixed(row, 0, "member id")?),
        device: DeviceId::new(fixed(row, 1, "device id")?),
        thumbprint: Fingerprint::new(fixed(row, 2, "thumbprint")?),
        expires: time(row.try_get(3)?)?,
    })
}

pub(crate) fn fixed<const N: usize>(
    row: &SqliteRow,
    column: usize,
    what: &'static str,
) -> Result<[u8; N]> {
    let bytes: Vec<u8> = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_opaque: Vec<u8>| StoreError::Malformed(what))
}

/// SQLite's integers are signed; our times and counts stay far below.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn time(value: i64) -> Result<UtcMillis> {
    u64::try_from(value)
        .map(UtcMillis)
        .map_err(|_opaque| StoreError::Malformed("time"))
}

#[cfg(test)]
mod tests {
    use bartizan_base::RootKey;

    use super::*;

    const NOW: UtcMillis = UtcMillis(1_000);

    async fn store(dir: &Path) -> Store {
        let root = RootKey::load(None, dir).unwrap();
        Store::open(&dir.join("gateway.db"), AtRest::new(&root))
            .await
            .unwrap()
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn token(n: u8) -> (TokenHash, TokenRecord) {
        let record = TokenRecord {
            member: MemberId::new([1; 16]),
            device: DeviceId::new([n; 16]),
            thumbprint: Fingerprint::new([n; 32]),
            expires: UtcMillis(9_000),
        };
        (TokenHash::new([n; 32]), record)
    }

    async fn claimed(dir: &Path) -> Store {
        let store = store(dir).await;
        let (owner, device) = (name("Olivia Owner"), name("Olivia's laptop"));
        let claim = Claimed {
            genesis: b"genesis",
            owner: (MemberId::new([1; 16]), &owner),
            device: (DeviceId::new([1; 16]), &device),
            token: token(1),
            recovery_keystore: b"locked",
            now: NOW,
        };
        store.claim(&claim).await.unwrap();
        store
    }

    #[tokio::test]
    async fn a_claim_survives_a_restart_and_happens_once() {
        let dir = tempfile::tempdir().unwrap();
        claimed(dir.path()).await.close().await;
        let store = store(dir.path()).await;
        assert_eq!(store.statements().await.unwrap(), [b"genesis"]);
        assert_eq!(store.token(token(1).0).await.unwrap(), Some(token(1).1));
        assert_eq!(store.members().await.unwrap()[0].1, name("Olivia Owner"));
        let locked = store
            .keystore(MemberId::new([1; 16]), Slot::Recovery)
            .await
            .unwrap();
        assert_eq!(locked.as_deref(), Some(b"locked".as_slice()));
        let again = store.append((0, b"another genesis"), Gone::default()).await;
        assert!(matches!(again, Err(StoreError::Exists)));
    }

    #[tokio::test]
    async fn a_token_is_renewed_and_never_shortened() {
        let dir = tempfile::tempdir().unwrap();
        let store = claimed(dir.path()).await;
        let (hash, record) = token(1);
        let longer = record.expires.saturating_add(5);
        for (until, end) in [(longer, longer), (record.expires, longer)] {
            let renewed = store.renew_token(record.device, until).await.unwrap();
            assert_eq!(renewed, Some(end));
        }
        let stored = store.token(hash).await.unwrap().unwrap();
        assert_eq!(
            stored,
            TokenRecord {
                expires: longer,
                ..record
            }
        );
        let stranger = DeviceId::new([77; 16]);
        assert_eq!(store.renew_token(stranger, longer).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_removed_device_loses_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let store = claimed(dir.path()).await;
        let (id, label) = (DeviceId::new([2; 16]), name("Phone"));
        store
            .add_device((1, b"add"), (id, &label), token(2), NOW)
            .await
            .unwrap();
        assert_eq!(store.devices().await.unwrap().len(), 2);
        let gone = Gone {
            devices: &[id],
            member: None,
        };
        store.append((2, b"remove"), gone).await.unwrap();
        assert_eq!(store.token(token(2).0).await.unwrap(), None);
        assert_eq!(store.devices().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn g_23_a_thief_of_the_file_reads_no_name_address_or_password() {
        let dir = tempfile::tempdir().unwrap();
        let store = claimed(dir.path()).await;
        let camera = CameraRow {
            id: CameraId::new([5; 16]),
            name: name("Nursery-Marker"),
            settings: Zeroizing::new("rtsp://user-marker:password-marker@10.0.0.9/".to_owned()),
        };
        store.add_camera((1, b"add"), &camera, NOW).await.unwrap();
        store.close().await;
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for marker in ["Nursery-Marker", "user-marker", "password-marker", "Olivia"] {
                let found = bytes
                    .windows(marker.len())
                    .any(|window| window == marker.as_bytes());
                assert!(!found, "{marker}");
            }
        }
    }

    #[tokio::test]
    async fn g_23_another_root_key_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        claimed(dir.path()).await.close().await;
        std::fs::remove_file(dir.path().join("root.key")).unwrap();
        let store = store(dir.path()).await;
        assert!(matches!(store.members().await, Err(StoreError::Sealed(_))));
    }

    #[tokio::test]
    async fn g_2_a_change_that_fails_halfway_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = claimed(dir.path()).await;
        let camera = CameraRow {
            id: CameraId::new([5; 16]),
            name: name("Yard"),
            settings: Zeroizing::new("{}".to_owned()),
        };
        store.add_camera((1, b"add"), &camera, NOW).await.unwrap();
        // The statement fits; the camera is there already, and the device as well.
        let twice = store.add_camera((2, b"add again"), &camera, NOW).await;
        assert!(matches!(twice, Err(StoreError::Database(_))), "{twice:?}");
        let (id, label) = (DeviceId::new([1; 16]), name("Phone"));
        let twice = store
            .add_device((2, b"add device"), (id, &label), token(2), NOW)
            .await;
        assert!(matches!(twice, Err(StoreError::Database(_))), "{twice:?}");
        let kept = store.statements().await.unwrap();
        assert_eq!(kept, [b"genesis".as_slice(), b"add"]);
        assert_eq!(store.token(token(2).0).await.unwrap(), None);
    }

    #[tokio::test]
    async fn cameras_come_back_as_they_were_and_change() {
        let dir = tempfile::tempdir().unwrap();
        let store = claimed(dir.path()).await;
        let mut camera = CameraRow {
            id: CameraId::new([5; 16]),
            name: name("$(reboot) <script>"),
            settings: Zeroizing::new("{}".to_owned()),
        };
        store.add_camera((1, b"add"), &camera, NOW).await.unwrap();
        camera.name = name("🎥🎥");
        store.put_camera(&camera).await.unwrap();
        assert_eq!(store.cameras().await.unwrap()[0].name, camera.name);
        store
            .remove_camera((2, b"remove"), camera.id)
            .await
            .unwrap();
        assert!(store.cameras().await.unwrap().is_empty());
    }
}
