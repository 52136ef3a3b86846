-- Who did what to what, append-only. Rows get their place in the hash chain shortly after they
-- were written, so that writers do not queue for the end of the chain.
CREATE TABLE audit_entries (
    id TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before_text TEXT,
    after_text TEXT,
    at BIGINT NOT NULL,
    position BIGINT UNIQUE,
    hash BLOB
);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject, id);

-- Where the chain's hash was written into the ledger's log.
CREATE TABLE audit_anchors (
    position BIGINT PRIMARY KEY,
    hash BLOB NOT NULL,
    record_seq BIGINT NOT NULL
);
