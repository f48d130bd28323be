//! What a patch says about something that may be missing. JSON has two words for that, no field and `null`, and they mean
//! different things here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a patch does to something that a document may lack: absent in the patch it stays, `null` takes it away, and a
/// value replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is none from now on.
    Remove,
    /// It is this from now on.
    Set(T),
}

impl<T> Change<T> {
    /// Whether nothing changes.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value that replaces it, if any.
    pub const fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Remove => None,
        }
    }

    /// Changes `to`.
    pub fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Remove => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }
}

/// `Keep` is left out by the field's `skip_serializing_if`.
impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_set().serialize(serializer)
    }
}

/// `Keep` comes from the field's `default`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.map_or(Self::Remove, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CameraPatch, SourceSettings};

    const SOURCE: &str = r#"{"url":"rtsp://cam.lan/2"}"#;

    fn patch(text: &str) -> CameraPatch {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_patch_tells_staying_removing_and_setting_apart() {
        let source: SourceSettings = serde_json::from_str(SOURCE).unwrap();
        let cases = [
            ("{}".to_owned(), Change::Keep),
            (r#"{"sub":null}"#.to_owned(), Change::Remove),
            (
                format!(r#"{{"sub":{SOURCE}}}"#),
                Change::Set(source.clone()),
            ),
        ];
        for (text, wanted) in cases {
            let read = patch(&text);
            assert_eq!(read.sub, wanted, "{text}");
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(patch(&written), read, "{written}");
        }
        let mut now = Some(source.clone());
        Change::Keep.apply(&mut now);
        assert_eq!(now, Some(source));
        Change::Remove.apply(&mut now);
        assert_eq!(now, None);
    }

    #[test]
    fn a_malformed_source_is_no_removal() {
        for text in [r#"{"sub":false}"#, r#"{"sub":{}}"#, r#"{"sub":"none"}"#] {
            assert!(serde_json::from_str::<CameraPatch>(text).is_err(), "{text}");
        }
    }
}
