-- Debit agreements: what a payer lets a merchant take again and again, and each debit under one.
CREATE TABLE debit_agreements (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    out_agreement_no TEXT NOT NULL,
    description TEXT NOT NULL,
    max_amount BIGINT NOT NULL,
    period TEXT NOT NULL,
    max_count BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    notify_url TEXT,
    state TEXT NOT NULL,
    -- The number its limits are published to the ledger under, once approved.
    policy BIGINT UNIQUE,
    person TEXT,
    wallet TEXT,
    -- The digest of what the payer's device signed.
    digest BLOB,
    created_at BIGINT NOT NULL,
    -- Until when the proposal may be approved.
    expires_at BIGINT NOT NULL,
    approved_at BIGINT,
    ended_at BIGINT,
    ended_by TEXT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, out_agreement_no)
);
CREATE INDEX debit_agreements_by_merchant ON debit_agreements (merchant, id);
CREATE INDEX debit_agreements_by_person ON debit_agreements (person, id);
CREATE INDEX debit_agreements_by_wallet ON debit_agreements (wallet, state);
CREATE INDEX debit_agreements_by_expiry ON debit_agreements (state, expires_at);
CREATE INDEX debit_agreements_by_end ON debit_agreements (state, valid_until);

-- A debit has the number of its order, which is the ledger transfer.
CREATE TABLE debits (
    id TEXT PRIMARY KEY,
    agreement TEXT NOT NULL,
    merchant TEXT NOT NULL,
    order_id TEXT NOT NULL UNIQUE,
    amount BIGINT NOT NULL,
    -- As asked for; NULL where the merchant left it to the earliest time.
    due_asked BIGINT,
    due_at BIGINT NOT NULL,
    retry TEXT NOT NULL,
    -- Digest of the merchant's request, bound into the ledger.
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    tries BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX debits_by_agreement ON debits (agreement, id);
CREATE INDEX debits_by_time ON debits (state, next_try_at);
