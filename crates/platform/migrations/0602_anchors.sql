-- What was written into the ledger's log as a note, newest last: audit hashes, supply statements,
-- policy versions.
CREATE TABLE anchors (
    record_seq BIGINT PRIMARY KEY,
    -- The note's kind: audit, supply, policy.
    kind TEXT NOT NULL,
    -- What was noted: a place in the audit chain, a day, a policy and its version.
    subject TEXT NOT NULL,
    digest BLOB NOT NULL,
    noted_at BIGINT NOT NULL
);
CREATE INDEX anchors_by_kind ON anchors (kind, record_seq);
CREATE INDEX anchors_by_subject ON anchors (kind, subject, record_seq);
