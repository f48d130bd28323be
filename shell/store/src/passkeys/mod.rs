//! Passkeys with the key stores that they open, and unlock shares.
//!
//! What a passkey is stays sealed: only a hash of its id and its member can be read off the file. Whether an
//! answer of a passkey is good is not judged here.

use bartizan_access::passkey::{Asserted, MAX_PASSKEYS, Passkey, PublicKey};
use bartizan_base::seal_at_rest::Purpose;
use bartizan_domain::text::Name;
use bartizan_domain::{DeviceId, Hash, MemberId, Secret, UtcMillis};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use zeroize::Zeroizing;

use crate::database::{Result, Store, StoreError, fixed, integer, time};
use crate::rows::SealedPasskey;

const PASSKEY: Purpose = Purpose::new("passkey.sealed");
const UNLOCK_SHARE: Purpose = Purpose::new("unlock_share.sealed");

/// Bytes of an unlock share.
const SHARE_LEN: usize = 32;

const COLUMNS: &str = "SELECT lookup, member, sealed, added, keystore IS NOT NULL FROM passkey";

impl Store {
    /// A member's passkeys, in order of adding.
    pub async fn passkeys(&self, member: MemberId) -> Result<Vec<Passkey>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE member = $1 ORDER BY added, lookup"
        )))
        .bind(member.as_bytes().as_slice())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.passkey_row(row)).collect()
    }

    /// The passkey with this lookup.
    pub async fn passkey(&self, lookup: Hash) -> Result<Option<Passkey>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE lookup = $1")))
            .bind(lookup.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(|row| self.passkey_row(row)).transpose()
    }

    /// Adds a passkey; [`StoreError::Full`] at [`MAX_PASSKEYS`] of its member.
    pub async fn add_passkey(&self, passkey: &Passkey, keystore: Option<&[u8]>) -> Result<()> {
        let sealed = self.seal_passkey(passkey)?;
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT COUNT(*) FROM passkey WHERE member = $1")
            .bind(passkey.member.as_bytes().as_slice())
            .fetch_one(&mut *transaction)
            .await?;
        let present: i64 = row.try_get(0)?;
        if usize::try_from(present).unwrap_or(usize::MAX) >= MAX_PASSKEYS {
            return Err(StoreError::Full("passkeys of a member", MAX_PASSKEYS));
        }
        let done = sqlx::query(
            "INSERT INTO passkey (lookup, member, sealed, keystore, added)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(passkey.lookup().as_bytes().as_slice())
        .bind(passkey.member.as_bytes().as_slice())
        .bind(sealed)
        .bind(keystore)
        .bind(integer(passkey.added.0))
        .execute(&mut *transaction)
        .await;
        match done {
            Ok(_) => Ok(transaction.commit().await?),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(StoreError::Exists)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the key store of a member's passkey; `false` when they have no such passkey.
    pub async fn put_passkey_keystore(
        &self,
        (member, lookup): (MemberId, Hash),
        locked: &[u8],
    ) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query("UPDATE passkey SET keystore = $3 WHERE lookup = $1 AND member = $2")
                .bind(lookup.as_bytes().as_slice())
                .bind(member.as_bytes().as_slice())
                .bind(locked)
                .execute(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Calls a member's passkey otherwise; `false` when they have no such passkey.
    pub async fn rename_passkey(
        &self,
        (member, lookup): (MemberId, Hash),
        name: Name,
    ) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let found = self.stored_passkey(&mut transaction, lookup).await?;
        let Some(mut passkey) = found.filter(|passkey| passkey.member == member) else {
            return Ok(false);
        };
        passkey.name = name;
        self.put_sealed(&mut transaction, &passkey).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The key store that lies with a passkey.
    pub async fn passkey_keystore(&self, lookup: Hash) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT keystore FROM passkey WHERE lookup = $1")
            .bind(lookup.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let keystore: Option<Option<Vec<u8>>> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(keystore.flatten())
    }

    /// Removes a member's passkey with its key store; `false` when they have no such passkey.
    pub async fn remove_passkey(&self, (member, lookup): (MemberId, Hash)) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("DELETE FROM passkey WHERE lookup = $1 AND member = $2")
            .bind(lookup.as_bytes().as_slice())
            .bind(member.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes a use down, unless the passkey was removed or another use came in between: `false` then.
    pub async fn note_passkey(&self, used: &Asserted, now: UtcMillis) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let found = self.stored_passkey(&mut transaction, used.credential());
        let Some(mut passkey) = found.await? else {
            return Ok(false);
        };
        if passkey.note(used, now).is_err() {
            return Ok(false);
        }
        self.put_sealed(&mut transaction, &passkey).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn stored_passkey(
        &self,
        transaction: &mut Transaction<'_, Sqlite>,
        lookup: Hash,
    ) -> Result<Option<Passkey>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE lookup = $1")))
            .bind(lookup.as_bytes().as_slice())
            .fetch_optional(&mut **transaction)
            .await?;
        row.as_ref().map(|row| self.passkey_row(row)).transpose()
    }

    async fn put_sealed(
        &self,
        transaction: &mut Transaction<'_, Sqlite>,
        passkey: &Passkey,
    ) -> Result<()> {
        sqlx::query("UPDATE passkey SET sealed = $2 WHERE lookup = $1")
            .bind(passkey.lookup().as_bytes().as_slice())
            .bind(self.seal_passkey(passkey)?)
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }

    fn passkey_row(&self, row: &SqliteRow) -> Result<Passkey> {
        let malformed = || StoreError::Malformed("passkey");
        let lookup: [u8; 32] = fixed(row, 0, "passkey")?;
        let sealed: Vec<u8> = row.try_get(2)?;
        let clear = Zeroizing::new(self.at_rest.open(PASSKEY, &lookup, &sealed)?);
        let stored: SealedPasskey =
            serde_json::from_slice(&clear).map_err(|_opaque| malformed())?;
        Ok(Passkey {
            id: stored.id,
            member: MemberId::new(fixed(row, 1, "member id")?),
            name: stored.name,
            rp_id: stored.rp_id,
            key: PublicKey::decode(&stored.key).map_err(|_opaque| malformed())?,
            counter: stored.counter,
            backup_eligible: stored.backup_eligible,
            added: time(row.try_get(3)?)?,
            last_used: stored.last_used,
            opens: row.try_get(4)?,
        })
    }

    fn seal_passkey(&self, passkey: &Passkey) -> Result<Vec<u8>> {
        let document = SealedPasskey {
            id: passkey.id.clone(),
            name: passkey.name.clone(),
            rp_id: passkey.rp_id.clone(),
            key: passkey.key.as_bytes().to_vec(),
            counter: passkey.counter,
            backup_eligible: passkey.backup_eligible,
            last_used: passkey.last_used,
        };
        let clear = serde_json::to_vec(&document).map(Zeroizing::new);
        let clear = clear.map_err(|_opaque| StoreError::Malformed("passkey"))?;
        let lookup = passkey.lookup();
        Ok(self.at_rest.seal(PASSKEY, lookup.as_bytes(), &clear)?)
    }

    /// A device's unlock share.
    pub async fn unlock_share(&self, device: DeviceId) -> Result<Option<Secret<[u8; SHARE_LEN]>>> {
        let row = sqlx::query("SELECT sealed FROM unlock_share WHERE device = $1")
            .bind(device.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let share = self
            .at_rest
            .open(UNLOCK_SHARE, device.as_bytes(), &sealed)?;
        let share = Zeroizing::new(share).as_slice().try_into();
        let share = share.map_err(|_opaque| StoreError::Malformed("unlock share"))?;
        Ok(Some(Secret::new(share)))
    }

    /// Keeps a device's unlock share, in the place of an earlier one.
    pub async fn put_unlock_share(
        &self,
        device: DeviceId,
        share: &Secret<[u8; SHARE_LEN]>,
    ) -> Result<()> {
        let sealed = self
            .at_rest
            .seal(UNLOCK_SHARE, device.as_bytes(), share.expose())?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO unlock_share (device, sealed) VALUES ($1, $2)
             ON CONFLICT (device) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(device.as_bytes().as_slice())
        .bind(sealed)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

/// With a device goes its share.
pub(crate) async fn forget_device(
    transaction: &mut Transaction<'_, Sqlite>,
    device: DeviceId,
) -> Result<()> {
    sqlx::query("DELETE FROM unlock_share WHERE device = $1")
        .bind(device.as_bytes().as_slice())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// With a member go their passkeys and the key stores that these open.
pub(crate) async fn forget_member(
    transaction: &mut Transaction<'_, Sqlite>,
    member: MemberId,
) -> Result<()> {
    sqlx::query("DELETE FROM passkey WHERE member = $1")
        .bind(member.as_bytes().as_slice())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
