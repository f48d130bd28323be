//! Puts the app (`web/dist`, made by `npm run build`) into the program: every file as it is and, where that
//! is smaller, as brotli. Without the folder the table is empty, and the gateway says how to make it.
//!
//! It compresses and names media types; how files are answered with is `bartizan_http::app`'s business.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where the app's build lies, seen from this package.
const DIST: &str = "../../web/dist";

/// Largest file of the app in bytes: a build that grew beyond it is a mistake.
const MAX_FILE: u64 = 4 * 1_024 * 1_024;

/// Files of the app.
const MAX_FILES: usize = 512;

/// Brotli's strongest setting, and its largest window that every browser takes (RFC 7932 §9.1).
const QUALITY: i32 = 11;
const WINDOW: i32 = 22;

/// Endings that the app uses, with their media types; text is worth compressing.
const TYPES: [(&str, &str, bool); 12] = [
    ("css", "text/css; charset=utf-8", true),
    ("html", "text/html; charset=utf-8", true),
    ("ico", "image/x-icon", false),
    ("jpg", "image/jpeg", false),
    ("js", "text/javascript; charset=utf-8", true),
    ("json", "application/json", true),
    ("png", "image/png", false),
    ("svg", "image/svg+xml", true),
    ("txt", "text/plain; charset=utf-8", true),
    ("wasm", "application/wasm", true),
    ("webmanifest", "application/manifest+json", true),
    ("woff2", "font/woff2", false),
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script by variables and standard output"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(DIST);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    // A folder that is missing counts as changed at each build, so that its first build is noticed.
    println!("cargo::rerun-if-changed={DIST}");
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist, &mut files)?;
    }
    files.sort();
    if files.len() > MAX_FILES {
        return Err(format!("web/dist holds more than {MAX_FILES} files").into());
    }
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        row(&mut table, &dist, &out, number, file)?;
    }
    table.push_str("]\n");
    fs::write(out.join("files.rs"), table)?;
    Ok(())
}

/// All files below `folder`. Maps for debuggers are not part of the app.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_none_or(|ending| ending != "map") {
            files.push(path);
        }
    }
    Ok(())
}

fn row(
    table: &mut String,
    dist: &Path,
    out: &Path,
    number: usize,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let name = file
        .strip_prefix(dist)?
        .to_str()
        .ok_or("a file's name is not UTF-8")?;
    let ending = file
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let known = TYPES.iter().find(|(known, ..)| *known == ending);
    let (_, media_type, text) = known.ok_or_else(|| format!("{name}: no media type is known"))?;
    if fs::metadata(file)?.len() > MAX_FILE {
        return Err(format!("{name} is larger than {MAX_FILE} bytes").into());
    }
    let bytes = fs::read(file)?;
    // Copied, so that what is embedded is what was compressed.
    fs::write(out.join(format!("{number}.plain")), &bytes)?;
    let embedded =
        |kind: &str| format!(r#"include_bytes!(concat!(env!("OUT_DIR"), "/{number}.{kind}"))"#);
    let smaller = if *text { packed(&bytes)? } else { None };
    let brotli = match smaller {
        Some(packed) => {
            fs::write(out.join(format!("{number}.br")), packed)?;
            format!("Some({})", embedded("br"))
        }
        None => "None".to_owned(),
    };
    // Vite names what lies in `assets` by its content.
    let immutable = name.starts_with("assets/");
    writeln!(
        table,
        "File {{ path: {path:?}, media_type: {media_type:?}, bytes: {plain}, brotli: {brotli}, \
         immutable: {immutable} }},",
        path = format!("/{name}"),
        plain = embedded("plain"),
    )?;
    Ok(())
}

/// `bytes` as brotli, if that saves anything.
fn packed(bytes: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params)?;
    Ok((packed.len() < bytes.len()).then_some(packed))
}
