//! Keeps what people reach the gateway by: its name on the own network, its names' origins, and its certificate,
//! which is renewed or taken over while connections go on. Nothing here ends a connection.
//!
//! Anybody on the network can make the gateway take another name for a while, so a configured one is never closed, nor is
//! its own: passkeys, what browsers keep, and installed apps hang on them. Its own is what it won first under the
//! configured one (`bartizan_naming`); it is stored, and asked for first after a restart. Another `--name` begins anew,
//! and so does a gateway that nobody has claimed, on whose name nothing hangs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bartizan_base::Shutdown;
use bartizan_domain::Secret;
use bartizan_http::guide::{self, Shown};
use bartizan_http::tls::{SiteCertificate, authority_der, fingerprint, server_config};
use bartizan_http::{Door, Guide, GuideListener, Origin, Scheme};
use bartizan_lan::{Label, News, Own, Speaker};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::listening::{Listening, Pair, origin};
use super::state::{Gateway, lock};
use super::supervisor::Pairs;

/// How long the start waits for the name: asking for it takes 0.75 to 1 s.
const WIN: Duration = Duration::from_secs(3);

/// How often the age of the site's certificate is looked at.
const LOOK: Duration = Duration::from_hours(1);

/// Where the own name is stored: sealed, because it is the household's.
const OWN_NAME: &str = "own-name";

/// Changes of the name that wait to be taken over.
const WAITING: usize = 8;

/// See the module.
pub(crate) struct Keeper {
    listening: Listening,
    gateway: Arc<Gateway>,
    door: Door,
    guide: Option<(Door, Shown)>,
    own: Option<SiteCertificate>,
    pairs: Pairs,
    /// As configured.
    wanted: Vec<String>,
    /// On the own network, what is asked for first.
    own_name: Option<Own>,
    /// On the own network, as won last.
    won: Option<String>,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    speaker: Option<Speaker>,
}

impl Keeper {
    pub(crate) fn new(
        (listening, names, own_name): (Listening, Vec<String>, Option<Own>),
        gateway: Arc<Gateway>,
        (door, guide): (Door, Option<&GuideListener>),
        (own, pairs): (Option<SiteCertificate>, Pairs),
    ) -> Result<Self> {
        let keeper = Self {
            listening,
            gateway,
            guide: guide.map(|guide| (guide.door(), guide.shown())),
            door,
            own,
            pairs,
            wanted: names,
            own_name,
            won: None,
            news: mpsc::channel(WAITING),
            speaker: None,
        };
        keeper.open_to_names()?;
        Ok(keeper)
    }

    /// Begins to win the name, and waits a little for it.
    pub(crate) async fn win(&mut self, label: Label) -> Result<()> {
        let news = self.news.0.clone();
        let told = move |said: News| {
            if let Err(error) = news.try_send(said) {
                tracing::debug!(%error, "a change of the name was not taken over");
            }
        };
        let address = self.listening.address.ip();
        let only = (!address.is_unspecified()).then_some(address);
        let clock = Arc::clone(&self.gateway.clock);
        let name = (label, self.own_name.as_ref());
        let speaker = Speaker::start(name, self.door.port(), only, clock, told)?;
        self.speaker = Some(speaker);
        match timeout(WIN, self.news.1.recv()).await {
            Ok(Some(news)) => self.take(news).await,
            Ok(None) => Ok(()),
            Err(_elapsed) => {
                tracing::info!("no network yet to tell the gateway's name on");
                Ok(())
            }
        }
    }

    /// What the app is called by now.
    pub(crate) fn origin(&self) -> Origin {
        origin(self.told().as_deref(), &self.door).unwrap_or_else(|_| {
            let localhost = Origin::new(Scheme::Https, "localhost", self.door.port());
            localhost.expect("localhost is a host")
        })
    }

    /// The host in it.
    pub(crate) fn host(&self) -> String {
        self.told().unwrap_or_else(|| "localhost".to_owned())
    }

    fn told(&self) -> Option<String> {
        let own = self.own_name.as_ref().map(Own::name);
        told(&self.wanted, self.won.as_deref().or(own.as_deref())).map(str::to_owned)
    }

    /// All names that door and certificate are for.
    fn names(&self) -> Vec<String> {
        all(&self.wanted, self.own_name.as_ref(), self.won.as_deref())
    }

    /// What people compare before they trust the site's authority.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let der = authority_der(self.own.as_ref()?.authority_pem()).ok()?;
        Some(fingerprint(&der))
    }

    /// Takes over what changes, until the program ends.
    pub(crate) async fn run(mut self, mut shutdown: Shutdown) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                () = shutdown.begun() => break,
                Some(news) = self.news.1.recv() => self.take(news).await,
                Some(pair) = self.pairs.next() => self.take_over(pair),
                _ = look.tick() => self.renew().await,
            };
            if let Err(error) = done {
                tracing::warn!(error = %format!("{error:#}"), "the names or the certificate stay as they were");
            }
        }
        // It says goodbye to the network on a thread of its own.
        let speaker = self.speaker.take();
        drop(tokio::task::spawn_blocking(move || drop(speaker)).await);
    }

    async fn take(&mut self, news: News) -> Result<()> {
        let before = self.own_name.clone();
        let won = match news {
            News::Named { name, own } => {
                self.own_name = Some(own);
                Some(name)
            }
            News::GivenUp => {
                tracing::warn!(
                    "others on this network take every name: they are asked for again; --name chooses another"
                );
                None
            }
        };
        let usual = all(&self.wanted, before.as_ref(), self.won.as_deref());
        if won.as_ref().is_some_and(|won| !usual.contains(won)) {
            tracing::warn!(
                "another device has the gateway's name: it takes the next one with a number"
            );
        }
        self.won = won;
        self.renew().await?;
        self.open_to_names()?;
        match &self.own_name {
            Some(own) if self.own_name != before => {
                let bytes = Secret::new(own.to_string().into_bytes());
                Ok(self.gateway.store.put_secret(OWN_NAME, &bytes).await?)
            }
            _ => Ok(()),
        }
    }

    /// Answers to the names that are ours now.
    fn open_to_names(&self) -> Result<()> {
        let port = self.door.port();
        let names = first(self.names(), self.told().as_deref());
        let origins = names
            .iter()
            .map(|name| Origin::new(Scheme::Https, name, port));
        self.door
            .set_names(&origins.collect::<Result<Vec<_>, _>>()?);
        let print = self.fingerprint().map(|print| print.replace(' ', ""));
        *lock(&self.gateway.authority) = print;
        let (Some((door, shown)), Some(own)) = (&self.guide, &self.own) else {
            return Ok(());
        };
        door.set_names(&guide::hosts(&names, door.port()));
        shown.set(Guide::new(&self.origin(), own.authority_pem())?);
        Ok(())
    }

    /// The site's own certificate, if it is too old or for other names.
    async fn renew(&mut self) -> Result<()> {
        let Some(own) = &self.own else {
            return Ok(());
        };
        let names = self.names();
        let new = self
            .listening
            .own_certificate(&self.gateway, &names)
            .await?;
        if new.certificate_pem() == own.certificate_pem() {
            return Ok(());
        }
        self.door.set_certificate(new.server_config()?);
        self.own = Some(new);
        tracing::info!("the site's certificate was renewed");
        self.open_to_names()
    }

    /// A given certificate that changed.
    fn take_over(&self, pair: Result<Pair>) -> Result<()> {
        let (chain, key) = pair?;
        self.door.set_certificate(server_config(&chain, &key)?);
        tracing::info!("the given certificate was taken over");
        Ok(())
    }
}

/// The own name of `label` that was stored. What can't be read is not worth a gateway that does not start.
pub(crate) async fn own_name(gateway: &Gateway, label: &Label) -> Result<Option<Own>> {
    let stored = gateway.store.secret(OWN_NAME).await?;
    let stored = stored.filter(|_| gateway.roster().is_some());
    let text = stored
        .as_ref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    let own = text.and_then(|text| text.parse::<Own>().ok());
    Ok(own.filter(|own| own.is_of(label)))
}

/// What door and certificate are for: the configured names and the own one, always, and what was won.
pub(crate) fn all(wanted: &[String], own: Option<&Own>, won: Option<&str>) -> Vec<String> {
    let mut names = wanted.to_vec();
    for more in own.map(Own::name).into_iter().chain(won.map(str::to_owned)) {
        if !names.contains(&more) {
            names.push(more);
        }
    }
    names
}

/// The same, beginning with what people are told: who is led elsewhere takes the first.
fn first(mut names: Vec<String>, told: Option<&str>) -> Vec<String> {
    names.sort_by_key(|name| Some(name.as_str()) != told);
    names
}

/// What people are told: the first configured name; of the own network, as it was won.
fn told<'a>(wanted: &'a [String], won: Option<&'a str>) -> Option<&'a str> {
    let first = wanted.first()?;
    let local = Label::of_local(first).is_some();
    Some(won.filter(|_| local).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(str::to_owned).into()
    }

    #[test]
    fn a_configured_name_stays_whatever_is_won() {
        let wanted = names(["gate.local", "gate.example.org"]);
        for won in [None, Some("gate.local")] {
            assert_eq!(all(&wanted, None, won), wanted);
            assert_eq!(told(&wanted, won), Some("gate.local"));
        }
        let second = Some("gate-2.local");
        let both = names(["gate.local", "gate.example.org", "gate-2.local"]);
        assert_eq!(all(&wanted, None, second), both);
        assert_eq!(told(&wanted, second), second);
    }

    #[test]
    fn the_own_name_stays_whatever_is_won() {
        let wanted = names(["gate.local"]);
        let own: Own = "gate.local 2".parse().unwrap();
        let both = names(["gate.local", "gate-2.local"]);
        assert_eq!(all(&wanted, Some(&own), None), both);
        assert_eq!(all(&wanted, Some(&own), Some("gate-2.local")), both);
        let three = names(["gate.local", "gate-2.local", "gate-3.local"]);
        assert_eq!(all(&wanted, Some(&own), Some("gate-3.local")), three);
        let led = names(["gate-3.local", "gate.local", "gate-2.local"]);
        assert_eq!(first(three, Some("gate-3.local")), led);
    }

    #[test]
    fn people_are_told_a_public_name_that_comes_first() {
        let wanted = names(["gate.example.org", "gate.local"]);
        assert_eq!(
            told(&wanted, Some("gate-2.local")),
            Some("gate.example.org")
        );
        assert_eq!(told(&[], None), None);
    }
}
