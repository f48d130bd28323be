//! Every document of the API: what is read means the same when it is written and read again.
#![no_main]

use bartizan_protocol::api;
use libfuzzer_sys::fuzz_target;

macro_rules! each {
    ($json:ident: $($name:ident),+ $(,)?) => {$(
        if let Ok(document) = serde_json::from_slice::<api::$name>($json) {
            let written = serde_json::to_vec(&document).expect("documents have string keys only");
            let again: api::$name = serde_json::from_slice(&written).expect("its own text");
            assert!(again == document, stringify!($name));
        }
    )+};
}

fuzz_target!(|json: &[u8]| {
    each!(json:
        Camera,
        CameraPatch,
        CameraProblem,
        CameraProblemKind,
        CameraRequest,
        CameraStream,
        Ceremony,
        Challenge,
        ClaimOffer,
        ClaimOfferRequest,
        ClaimRequest,
        Counters,
        Device,
        DeviceRequest,
        Devices,
        EpochPath,
        Invitation,
        InvitationProof,
        InvitationRequest,
        LiveRequest,
        LiveTicket,
        LockedKeystore,
        Passkey,
        PasskeyProof,
        PasskeyRequest,
        Passkeys,
        ProbeReport,
        ProbeRequest,
        ProbedAudio,
        ProbedVideo,
        Problem,
        Recordings,
        RecoveryAnswer,
        RecoveryRequest,
        Retention,
        RootKeyKind,
        Segment,
        Segments,
        Session,
        SignInAnswer,
        Site,
        SourceSettings,
        Span,
        StatementRequest,
        Statements,
        Storage,
        StreamStatus,
        StreamStorage,
        TrackSummary,
        Transport,
        UnlockShare,
    );
});
