//! What the machine shows: where it serves, and before the claim, the link that claims it.

use std::io::Write;

use anyhow::Result;
use bartizan_access::claim::ClaimWindow;
use bartizan_base::random;
use bartizan_domain::{Fingerprint, Monotonic, Secret};
use bartizan_identity::VerifyingKey;
use bartizan_protocol::claim::ClaimLink;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::state::Gateway;

/// The open claim window with its token.
pub(crate) struct Offer {
    token: Secret<[u8; 32]>,
    window: ClaimWindow,
}

/// Opens the claim window; `None` once the gateway is claimed.
pub(crate) fn open(gateway: &Gateway, now: Monotonic) -> Result<Option<Offer>> {
    if gateway.roster().is_some() {
        return Ok(None);
    }
    let token = Secret::new(random::bytes()?);
    let window = ClaimWindow::open(token.clone(), now);
    Ok(Some(Offer { token, window }))
}

impl Offer {
    /// The link that the person in front of the machine uses.
    pub(crate) fn link(
        &self,
        (origin, pin): (&str, Option<Fingerprint>),
        gateway: &Gateway,
        sealer: VerifyingKey,
    ) -> ClaimLink {
        ClaimLink {
            origin: origin.to_owned(),
            token: self.token.clone(),
            gateway: gateway.identity.public().fingerprint(),
            sealer: sealer.fingerprint(),
            pin,
        }
    }

    /// What the API admits by.
    pub(crate) fn into_window(self) -> ClaimWindow {
        self.window
    }
}

/// Prints `ready: URL` and, while unclaimed, `claim: LINK`, each alone on a line of standard output; the
/// code to scan goes to standard error, where programs do not read.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the person at the machine reads this"
)]
pub(crate) fn announce(origin: &str, link: Option<&ClaimLink>, json: bool) -> Result<()> {
    if json {
        let link = link.map(ToString::to_string);
        println!("{}", serde_json::json!({ "ready": origin, "claim": link }));
    } else {
        if let Some(link) = link {
            eprintln!(
                "\nThis gateway has no owner yet. Whoever uses this link within 15 minutes becomes it:"
            );
            eprintln!("\n{}\n", code(&link.to_string())?);
            println!("claim: {link}");
        }
        println!("ready: {origin}");
    }
    std::io::stdout().flush()?;
    Ok(())
}

/// The link as a code that a phone's camera reads off a terminal.
fn code(link: &str) -> Result<String> {
    let code = QrCode::new(link.as_bytes())?;
    Ok(code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_link_fits_a_code() {
        let link = ClaimLink {
            origin: "https://gateway-in-the-cellar.local:8440".to_owned(),
            token: Secret::new([1; 32]),
            gateway: Fingerprint::new([2; 32]),
            sealer: Fingerprint::new([3; 32]),
            pin: Some(Fingerprint::new([4; 32])),
        };
        let text = code(&link.to_string()).unwrap();
        assert!(text.lines().count() < 60, "{}", text.lines().count());
    }
}
