//! The guide's page as one file: frame, style, text and script put together, and the policy that lets exactly
//! these run. No value comes from a request.

use bartizan_identity::key::sha256;
use bytes::Bytes;
use data_encoding::BASE64;
use http::HeaderValue;

const FRAME: &str = include_str!("frame.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// One language.
pub(super) struct Language {
    tag: &'static str,
    title: &'static str,
    text: &'static str,
}

pub(super) const ENGLISH: Language = Language {
    tag: "en",
    title: "Trust your gateway",
    text: include_str!("en.html"),
};

pub(super) const GERMAN: Language = Language {
    tag: "de",
    title: "Dem Gateway vertrauen",
    text: include_str!("de.html"),
};

/// The page in one language. `app` is an origin, which has no character that means something in HTML.
pub(super) fn render(language: &Language, app: &str) -> Bytes {
    let text = uncommented(language.text).replace("{{app}}", app);
    uncommented(FRAME)
        .replace("{{lang}}", language.tag)
        .replace("{{title}}", language.title)
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
        .replace("{{text}}", &text)
        .into()
}

/// Without the file's own header comment: what follows its first line.
fn uncommented(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(_, rest)| rest)
}

/// Only this style and this script, by their hashes, and only questions to the app's own origin.
pub(super) fn policy(app: &str) -> HeaderValue {
    let hash = |text: &str| BASE64.encode(sha256(&[text.as_bytes()]).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src {app}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(STYLE),
        hash(SCRIPT),
    );
    HeaderValue::try_from(policy).expect("hashes and an origin are a header's value")
}
