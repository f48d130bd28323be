-- What members unlock with: passkeys, and the shares of browsers whose passkey has no PRF.

-- `lookup` is a hash of the credential id; `keystore` is locked by a key that the gateway does not have.
CREATE TABLE passkey (
    lookup    BLOB PRIMARY KEY NOT NULL,
    member    BLOB NOT NULL,
    sealed    BLOB NOT NULL,
    keystore  BLOB,
    added     INTEGER NOT NULL
) STRICT;

CREATE INDEX passkey_member ON passkey (member);

CREATE TABLE unlock_share (
    device  BLOB PRIMARY KEY NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;
