//! The private documents inside sealed columns.

use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, UtcMillis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A camera as stored: its name and, opaque to this room, its sources and retention.
#[derive(Debug, Clone)]
pub struct CameraRow {
    /// Which.
    pub id: CameraId,
    /// Its name.
    pub name: Name,
    /// Sources and retention, as the gateway's own JSON; holds credentials.
    pub settings: Zeroizing<String>,
}

/// The sealed column of a camera.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedCamera {
    pub(crate) name: Name,
    pub(crate) settings: Zeroizing<String>,
}

/// The sealed column of a passkey.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedPasskey {
    pub(crate) id: Vec<u8>,
    pub(crate) name: Name,
    pub(crate) rp_id: String,
    /// COSE bytes.
    pub(crate) key: Vec<u8>,
    pub(crate) counter: u32,
    pub(crate) backup_eligible: bool,
    pub(crate) last_used: Option<UtcMillis>,
}
