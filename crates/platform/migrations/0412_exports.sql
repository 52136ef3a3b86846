-- Files made of an account's history. The file lies sealed in the exports' folder under the row's id;
-- the key that opens it is here, sealed, and goes when the file goes.
CREATE TABLE exports (
    id TEXT PRIMARY KEY,
    -- Who asked for it and may fetch it: a person, a merchant or an institution.
    owner TEXT NOT NULL,
    -- The account as the history knows it, and as it is shown.
    account TEXT NOT NULL,
    shown TEXT NOT NULL,
    format TEXT NOT NULL,
    language TEXT NOT NULL,
    bom SMALLINT NOT NULL,
    -- The range asked for, milliseconds, and the places of the journal that it takes.
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    end_seq BIGINT NOT NULL,
    opening BIGINT NOT NULL,
    closing BIGINT NOT NULL,
    -- QUEUED, RUNNING, READY, FAILED, CANCELLED, EXPIRED
    state TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    rows_done BIGINT NOT NULL,
    bytes BIGINT,
    -- Of the file as it is fetched, 64 hexadecimal digits.
    sha256 TEXT,
    -- What was noted in the ledger: the text, and the record that holds its hash.
    manifest TEXT,
    note_seq BIGINT,
    data_key BLOB,
    -- Who makes it now, until when it may, and how often it was begun.
    claim TEXT,
    claimed_until BIGINT,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    expires_at BIGINT
);
CREATE INDEX exports_by_owner ON exports (owner, id);
CREATE INDEX exports_waiting ON exports (id) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX exports_expiring ON exports (expires_at) WHERE state = 'READY';
