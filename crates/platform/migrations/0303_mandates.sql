-- Mandates: sub-wallets that a person pushed to a merchant, each with its own meter.
CREATE TABLE mandates (
    id TEXT PRIMARY KEY,
    -- The only name of it that the merchant ever sees.
    token TEXT NOT NULL UNIQUE,
    -- The digest of what the person's device signed; the same signature never makes two mandates.
    digest BLOB NOT NULL,
    person TEXT NOT NULL,
    wallet TEXT NOT NULL,
    merchant TEXT NOT NULL,
    single BIGINT NOT NULL,
    day BIGINT NOT NULL,
    -- The number its limits are published to the ledger under.
    policy BIGINT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (person, digest)
);
CREATE INDEX mandates_by_person ON mandates (person, id);
CREATE INDEX mandates_by_wallet ON mandates (wallet, state);
CREATE INDEX mandates_by_merchant ON mandates (merchant, id);
CREATE INDEX mandates_by_state ON mandates (state, id);

-- The next free policy number; wallet classes have those below 1000.
CREATE TABLE mandate_policies (
    one BIGINT PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO mandate_policies (one, next) VALUES (1, 1000);
