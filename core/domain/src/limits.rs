//! The limits that several rooms share, each enforced by the type or parser that its line names.

/// Largest record of a sealed stream: its body in bytes. Enforced by `sealing::record`.
pub const MAX_RECORD_BODY: usize = 8 * 1024 * 1024;

/// Largest access unit that still fits a record with its metadata. Enforced by `media`.
pub const MAX_ACCESS_UNIT: usize = MAX_RECORD_BODY - 64 * 1024;

/// Cameras of one gateway. Enforced by the API when a camera is added.
pub const MAX_CAMERAS: usize = 256;

/// Concurrent live viewers of one gateway. Enforced when a live ticket is spent.
pub const MAX_VIEWERS: usize = 1_000;

/// Largest API request body in bytes. Enforced by the HTTP layer.
pub const MAX_API_BODY: usize = 1024 * 1024;

/// Reader keys that one epoch is wrapped to. Enforced by `sealing::envelope`.
pub const MAX_RECIPIENTS: usize = 256;

/// Characters of a camera's, member's or device's name. Enforced by `domain::text::Name`.
pub const MAX_NAME_CHARS: usize = 64;

/// Bytes of a camera's URL. Enforced by `media::url`.
pub const MAX_URL_BYTES: usize = 2_048;
