-- Limits that a holder sets for a wallet, below those of its class; NULL sets none.
CREATE TABLE own_limits (
    wallet TEXT PRIMARY KEY,
    -- The ledger's policy with these limits: a new one for each change, the meter keeps what was spent.
    policy BIGINT NOT NULL,
    single BIGINT,
    day BIGINT,
    -- 1 once the ledger has followed.
    applied SMALLINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- What is to hold from a later time on, if anything is.
    next_single BIGINT,
    next_day BIGINT,
    next_from BIGINT
);
CREATE INDEX own_limits_due ON own_limits (next_from);
CREATE INDEX own_limits_unapplied ON own_limits (applied);

-- 1 once the wallet has a meter of its holder's.
ALTER TABLE wallets ADD COLUMN own_limits SMALLINT NOT NULL DEFAULT 0;
