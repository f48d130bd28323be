//! What the machine shows: where it serves, and before the claim, the link that claims it.

use std::io::Write;

use anyhow::{Context, Result};
use bartizan_access::claim::ClaimWindow;
use bartizan_base::random;
use bartizan_base::terminal::code;
use bartizan_domain::{Fingerprint, Monotonic, Secret};
use bartizan_identity::VerifyingKey;
use bartizan_protocol::claim::ClaimLink;

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

/// Prints `ready: URL`, while unclaimed `claim: LINK`, and with a guide `guide: URL` and `authority: FINGERPRINT`,
/// each alone on a line of standard output; what people read and scan goes to standard error, where programs do
/// not read.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the person at the machine reads this"
)]
pub(crate) fn announce(
    origin: &str,
    link: Option<&ClaimLink>,
    guide: Option<&(String, String)>,
    json: bool,
) -> Result<()> {
    let (guide, print) = guide.cloned().unzip();
    if json {
        let link = link.map(ToString::to_string);
        println!(
            "{}",
            serde_json::json!({ "ready": origin, "claim": link, "guide": guide, "authority": print })
        );
    } else {
        eprintln!(
            "\n{}",
            words(origin, link, guide.as_deref().zip(print.as_deref()))?
        );
        if let Some(link) = link {
            println!("claim: {link}");
        }
        if let (Some(guide), Some(print)) = (guide, print) {
            println!("guide: {guide}");
            println!("authority: {print}");
        }
        println!("ready: {origin}");
    }
    std::io::stdout().flush()?;
    Ok(())
}

/// What the person at the machine is told.
fn words(origin: &str, link: Option<&ClaimLink>, guide: Option<(&str, &str)>) -> Result<String> {
    let trust = match guide {
        Some((guide, print)) => format!(
            "A new phone or computer first learns to trust this gateway, once. Scan this, or open {guide}\n\n\
             {}\n\nWhen your device installs the certificate, it must show exactly this SHA-256; \
             what the web page\nshows proves nothing:\n\n    {}\n\n",
            scanned(guide)?,
            in_lines(print),
        ),
        None => String::new(),
    };
    let door = match link {
        Some(link) => format!(
            "This gateway has no owner yet. Whoever uses this link within 15 minutes becomes it:\n\n\
             {}\n\n    {link}\n",
            scanned(&link.to_string())?
        ),
        None => format!("Open the app:\n\n    {origin}\n"),
    };
    Ok(trust + &door)
}

/// Four groups in each line.
fn in_lines(print: &str) -> String {
    let groups: Vec<_> = print.split_whitespace().collect();
    let lines: Vec<_> = groups.chunks(4).map(|line| line.join(" ")).collect();
    lines.join("\n    ")
}

/// The link as a code that a phone's camera reads off a terminal.
fn scanned(link: &str) -> Result<String> {
    code(link).context("a link is too long for a code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_gateway_says_where_the_app_is_and_how_to_trust_it() {
        let print = "AAAA BBBB CCCC DDDD EEEE FFFF 0000 1111";
        let guide = ("http://gate.local:8441", print);
        let text = words("https://gate.local:8440", None, Some(guide)).unwrap();
        assert!(text.contains("    https://gate.local:8440\n"), "{text}");
        assert!(text.contains("open http://gate.local:8441\n"), "{text}");
        assert!(
            text.contains("    AAAA BBBB CCCC DDDD\n    EEEE FFFF 0000 1111\n"),
            "{text}"
        );
        let device = "it must show exactly this SHA-256; what the web page\nshows proves nothing:\n\n    AAAA";
        assert!(text.contains(device), "{text}");
        let plain = words("http://localhost:8440", None, None).unwrap();
        assert_eq!(plain, "Open the app:\n\n    http://localhost:8440\n");
    }

    #[test]
    fn a_claim_link_fits_a_code() {
        let link = ClaimLink {
            origin: "https://gateway-in-the-cellar.local:8440".to_owned(),
            token: Secret::new([1; 32]),
            gateway: Fingerprint::new([2; 32]),
            sealer: Fingerprint::new([3; 32]),
            pin: Some(Fingerprint::new([4; 32])),
        };
        let text = scanned(&link.to_string()).unwrap();
        assert!(text.lines().count() < 60, "{}", text.lines().count());
    }
}
