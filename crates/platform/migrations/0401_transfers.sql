-- Transfers from person to person. The note is personal and sealed under the platform's key ring.
CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    -- The payer's own number of it: the natural key for ever.
    out_transfer_no TEXT NOT NULL,
    from_wallet TEXT NOT NULL,
    to_wallet TEXT NOT NULL,
    -- A keyed hash of how the payer named the payee, and whether that was a look-up's token.
    payee_hash TEXT NOT NULL,
    looked_up SMALLINT NOT NULL,
    amount BIGINT NOT NULL,
    note BLOB,
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    created_at BIGINT NOT NULL,
    -- When it was last tried: what was not heard of for a while is looked up in the ledger.
    tried_at BIGINT NOT NULL,
    ended_at BIGINT,
    record_seq BIGINT,
    UNIQUE (person, out_transfer_no)
);
CREATE INDEX transfers_by_person ON transfers (person, id);
CREATE INDEX transfers_by_state ON transfers (state, tried_at);

-- A payee that a look-up found, for the one who asked and for a short time. Only the token's hash.
CREATE TABLE payees (
    token_hash TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    wallet TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX payees_expiry ON payees (expires_at);

-- What each person may still spend on look-ups, in thousandths of a point, as of `at`.
CREATE TABLE lookup_buckets (
    person TEXT PRIMARY KEY,
    level BIGINT NOT NULL,
    at BIGINT NOT NULL
);
