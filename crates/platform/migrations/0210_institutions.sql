CREATE TABLE institutions (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    -- CENTRAL or OPERATING
    role TEXT NOT NULL,
    -- central: its wallets are the central bank's liability; deposit: its own
    model TEXT NOT NULL,
    -- Liability holder of its wallets' money; 1 is the central bank.
    holder BIGINT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    -- What its issuance account may go below zero by, in fen; the ledger follows this row.
    authorised BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX institutions_own_holder ON institutions (holder) WHERE holder <> 1 OR role = 'CENTRAL';

CREATE TABLE institution_keys (
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    serial TEXT NOT NULL,
    suite TEXT NOT NULL,
    -- DER SubjectPublicKeyInfo
    public_key BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (institution_id, serial)
);
-- A key signs for one institution only.
CREATE UNIQUE INDEX institution_keys_serial ON institution_keys (serial);

-- Issue and redemption between the central bank and an operating bank.
CREATE TABLE issuances (
    id TEXT PRIMARY KEY,
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    -- The bank's own number: its idempotency key for ever.
    out_issuance_no TEXT NOT NULL,
    -- ISSUE or REDEEM
    direction TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- PROCESSING, SUCCESS, REFUSED
    state TEXT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    UNIQUE (institution_id, out_issuance_no)
);
CREATE INDEX issuances_list ON issuances (institution_id, id);
CREATE INDEX issuances_open ON issuances (state, created_at) WHERE state = 'PROCESSING';
