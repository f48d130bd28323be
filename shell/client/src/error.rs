//! Every way in which the client can fail, in one type, and what a program is to make of it.

use std::path::PathBuf;

use bartizan_access::dpop::KeyError;
use bartizan_base::files::FileError;
use bartizan_base::random::NoRandomness;
use bartizan_domain::wire::WireError;
use bartizan_identity::RosterError;
use bartizan_identity::keystore::KeystoreError;
use bartizan_identity::recovery::RecoveryError;
use bartizan_identity::roster::StatementError;
use bartizan_protocol::claim::NotAClaimLink;
use bartizan_protocol::invitation::NotAnInvitationLink;

use crate::export::mux::MuxError;
use crate::profile::ProfileError;
use crate::stream::StreamError;
use crate::transport::{ApiError, OriginError, TransportError};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The account of this device.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The connection, or the gateway's answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The sealed stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The address.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The claim link.
    #[error(transparent)]
    Link(#[from] NotAClaimLink),
    /// The recovery words.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// No keys can be made.
    #[error("no new keys can be made")]
    NoRandomness(#[from] NoRandomness),
    /// The device key.
    #[error("the device key can't be used")]
    Key(#[from] KeyError),
    /// A file can't be read or written.
    #[error("a file can't be used")]
    File(#[from] FileError),
    /// A file is in the way.
    #[error("{} exists already: choose another name, nothing is overwritten", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// Writing an export failed.
    #[error("{} can't be written", path.display())]
    Output {
        /// Which file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Who answers is not whom the claim link names.
    #[error(
        "whoever answers is not the gateway of this claim link ({what}): check the address, and that the \
         link is the one on the gateway's own screen"
    )]
    OtherGateway {
        /// What differs.
        what: &'static str,
    },
    /// The sealer did not pin the household's roster.
    #[error(
        "the gateway's sealer does not confirm this household: do not use this gateway before it \
         is set up anew"
    )]
    NotPinned,
    /// The answer to a claim did not arrive.
    #[error(
        "it is not known whether the gateway took the claim: keep {} and try `bartizan sign-in` with it, \
         or claim again if the gateway still shows a claim link",
        recovery.display()
    )]
    MaybeClaimed {
        /// The recovery file.
        recovery: PathBuf,
        /// What happened.
        source: Box<ClientError>,
    },
    /// The gateway answered for another site, member or device.
    #[error("the gateway answers for somebody else")]
    NotMe,
    /// The roster is not this household's, or was tampered with.
    #[error("the household's roster that the gateway shows can't be believed")]
    Roster(#[source] RosterError),
    /// A statement of the roster is none.
    #[error("the gateway shows a damaged roster")]
    Statement(#[from] StatementError),
    /// The gateway shows an older or another roster than before.
    #[error(
        "the gateway shows an older or another roster than this device has seen: it was restored \
         from a backup, or somebody hides a change of the household"
    )]
    RosterRolledBack,
    /// The words are not this household's.
    #[error("these recovery words are not (any more) those of this household")]
    OtherWords,
    /// The roster does not begin as the invitation says.
    #[error(
        "whoever answers is not the household of this invitation: check the address, and ask for a new \
         invitation"
    )]
    OtherHousehold,
    /// The invitation link.
    #[error(transparent)]
    Invitation(#[from] NotAnInvitationLink),
    /// The locked key store does not open.
    #[error("the recovery words do not open the household's keys")]
    Keystore(#[source] KeystoreError),
    /// The roster was changed by others again and again.
    #[error("the household's roster changes too fast: try again")]
    Busy,
    /// No camera of this name.
    #[error("there is no camera {name:?}: `bartizan camera list` shows what there is")]
    NoSuchCamera {
        /// What was asked for.
        name: String,
    },
    /// Several cameras of this name.
    #[error("several cameras are called {name:?}: use the id that `bartizan camera list` shows")]
    Ambiguous {
        /// What was asked for.
        name: String,
    },
    /// A rendition that the camera does not have.
    #[error("this camera has no {rendition} stream")]
    NoRendition {
        /// Which.
        rendition: bartizan_domain::Rendition,
    },
    /// Nothing was recorded.
    #[error("nothing was recorded in this time: `bartizan recordings` shows what there is")]
    NothingRecorded,
    /// Live gives no picture.
    #[error(
        "no picture came within {seconds} s: `bartizan camera list` says how the camera is doing"
    )]
    NoPicture {
        /// Waited.
        seconds: u64,
    },
    /// The member's rights ended while watching.
    #[error("you may not watch this camera any more")]
    RightsEnded,
    /// A claim of a gateway that has an owner.
    #[error(
        "this gateway can't be claimed (any more): it has an owner, who signs in with `bartizan sign-in` and \
         the recovery key, or its claim link is too old and a new one is shown when it restarts"
    )]
    NotClaimable,
    /// A sign-in at a gateway without an owner.
    #[error("this gateway has no owner yet: claim it with the link that it shows")]
    NotClaimed,
    /// The live stream does not come as far as this device had seen it.
    #[error(
        "the live stream is older than what this device has already seen: it is a replay, or the \
         gateway was restored from a backup"
    )]
    Replayed,
    /// The recording does not fit into an MP4 file.
    #[error(transparent)]
    Mux(#[from] MuxError),
    /// A proof is none.
    #[error("{} is no proof of an export, or is damaged", path.display())]
    Proof {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: WireError,
    },
}

/// What a program makes of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// What was asked for, or how this device is set up, has to change.
    Change,
    /// The same may work later.
    TryAgain,
    /// Neither: something is wrong.
    LookInto,
}

impl ClientError {
    /// The gateway's own refusal, when that is what happened.
    pub const fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Transport(TransportError::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// What to make of it.
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Profile(
                ProfileError::NoAccount { .. } | ProfileError::Taken { .. } | ProfileError::NoHome,
            )
            | Self::Origin(_)
            | Self::Link(_)
            | Self::Recovery(_)
            | Self::Exists { .. }
            | Self::NoSuchCamera { .. }
            | Self::Ambiguous { .. }
            | Self::NoRendition { .. } => Advice::Change,
            Self::Busy | Self::NoPicture { .. } => Advice::TryAgain,
            Self::Transport(error) => error.advice(),
            _ => Advice::LookInto,
        }
    }
}
