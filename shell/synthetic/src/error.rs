//! Why the synthetic camera does not deliver.

use bartizan_media::codec::CodecError;

/// The encoder failed; the camera can't go on.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// The H.264 library refused.
    #[error("the H.264 encoder failed")]
    Encoder(#[source] openh264::Error),
    /// The H.264 library gave something that is not an H.264 access unit.
    #[error("the H.264 encoder gave an access unit that can't be used")]
    AccessUnit(#[from] CodecError),
    /// The first picture came without parameter sets.
    #[error("the H.264 encoder gave no parameter sets")]
    NoParameterSets,
}
