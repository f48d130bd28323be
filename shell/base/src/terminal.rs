//! Codes to scan off a terminal. Text only; nothing is printed here.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// `text` as a QR code (ISO/IEC 18004) of half-height characters, light on dark as most terminals are; `None` for
/// a text that is too long for one, 2,953 bytes at most.
pub fn code(text: &str) -> Option<String> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let mut picture = code.render::<Dense1x2>();
    picture
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark);
    Some(picture.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_fits_a_screen_and_a_novel_fits_no_code() {
        let link = format!(
            "https://gateway-in-the-cellar.local:8440/claim#{}",
            "a".repeat(210)
        );
        assert!(code(&link).unwrap().lines().count() < 60);
        assert!(code(&"a".repeat(3_000)).is_none());
    }
}
