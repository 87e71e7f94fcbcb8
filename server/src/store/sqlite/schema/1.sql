-- What is known once: how far these steps have come, the hub's secret, and the highest durable entry that
-- was removed.
CREATE TABLE tidings_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    secret BLOB
) STRICT;
INSERT INTO tidings_meta (id, version, floor) VALUES (1, 0, 0);

-- The runs, and where each ended; the one that goes on has no end.
CREATE TABLE tidings_epochs (
    number INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    ended INTEGER
) STRICT;

-- The window. kind: 0 an event, 1 a live-only event, whose body is not kept, 2 a notice, as JSON. channels: one a
-- line. at: Unix milliseconds, here and below.
CREATE TABLE tidings_entries (
    sequence INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    channels TEXT NOT NULL,
    body BLOB
) STRICT;

-- What was sent under a key: `count` entries from `first` on.
CREATE TABLE tidings_keys (
    name TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tidings_keys_at ON tidings_keys (at);

-- Groups that users may read, from which place in the order.
CREATE TABLE tidings_grants (
    user TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "from" INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user, "group")
) STRICT, WITHOUT ROWID;
CREATE INDEX tidings_grants_at ON tidings_grants (at);

-- revoked: as JSON.
CREATE TABLE tidings_revocations (
    revoked TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tidings_revocations_at ON tidings_revocations (at);

-- ended: 1 when the user was said to have left, at `until`.
CREATE TABLE tidings_leases (
    user TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tidings_leases_until ON tidings_leases (until);

CREATE TABLE tidings_connections (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    login TEXT,
    opened_at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tidings_connections_until ON tidings_connections (until);

-- Events of the app's transactions that have no place in the order yet; id: the order of their commits, since there
-- is one transaction that writes at a time.
CREATE TABLE tidings_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    channels TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
