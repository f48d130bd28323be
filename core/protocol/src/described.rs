//! The words of `core/domain` and `core/media` as the OpenAPI document describes them: those rooms know nothing of
//! it. Nothing else uses these types; a test holds them equal to the real ones.

use utoipa::ToSchema;

use crate::api::SourceSettings;

/// A source, or `null` for none.
#[derive(Debug, ToSchema)]
pub struct SourceOrNone(pub Option<SourceSettings>);

/// One rendition of a camera.
#[derive(Debug, ToSchema)]
#[schema(as = Rendition, rename_all = "lowercase")]
pub enum RenditionName {
    /// The camera's best picture.
    Main,
    /// A small picture for grids.
    Sub,
}

/// A codec that is recorded as it comes.
#[derive(Debug, ToSchema)]
#[schema(as = Codec, rename_all = "lowercase")]
pub enum CodecName {
    /// H.264 (ISO/IEC 14496-10).
    H264,
    /// H.265 (ISO/IEC 23008-2).
    H265,
    /// AAC (ISO/IEC 14496-3).
    Aac,
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// Opus (RFC 6716).
    Opus,
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Rendition;
    use bartizan_media::Codec;
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn names<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()["enum"].clone()
    }

    #[test]
    fn described_and_real_names_are_the_same() {
        let renditions = [Rendition::Main, Rendition::Sub];
        assert_eq!(names::<RenditionName>(), json!(renditions));
        let codecs = [
            Codec::H264,
            Codec::H265,
            Codec::Aac,
            Codec::Pcmu,
            Codec::Pcma,
            Codec::Opus,
        ];
        assert_eq!(names::<CodecName>(), json!(codecs));
    }
}
