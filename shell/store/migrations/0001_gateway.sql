-- The gateway's state. Columns named `sealed` hold bytes that only the root key opens.

CREATE TABLE secret (
    name    TEXT PRIMARY KEY NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

CREATE TABLE statement (
    sequence  INTEGER PRIMARY KEY NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;

CREATE TABLE token (
    hash        BLOB PRIMARY KEY NOT NULL,
    member      BLOB NOT NULL,
    device      BLOB NOT NULL UNIQUE,
    thumbprint  BLOB NOT NULL,
    expires     INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
    id      BLOB PRIMARY KEY NOT NULL,
    sealed  BLOB NOT NULL,
    added   INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    id      BLOB PRIMARY KEY NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- Locked by keys that the gateway does not have; slot is 'own' or 'recovery'.
CREATE TABLE keystore (
    member  BLOB NOT NULL,
    slot    TEXT NOT NULL,
    locked  BLOB NOT NULL,
    PRIMARY KEY (member, slot)
) STRICT;

CREATE TABLE camera (
    id      BLOB PRIMARY KEY NOT NULL,
    sealed  BLOB NOT NULL,
    added   INTEGER NOT NULL
) STRICT;
