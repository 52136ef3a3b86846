CREATE TABLE wallets (
    id TEXT PRIMARY KEY,
    -- The person's or merchant's id.
    owner TEXT NOT NULL,
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    -- 1 to 4, 5 for organisations
    class SMALLINT NOT NULL,
    name TEXT NOT NULL,
    -- Set by the operator: ACTIVE, LIMITED, DEBIT_FROZEN, CREDIT_FROZEN, FROZEN
    control TEXT NOT NULL,
    -- Reported lost by the holder.
    lost SMALLINT NOT NULL,
    -- Being emptied: nothing may arrive.
    closing SMALLINT NOT NULL,
    closed SMALLINT NOT NULL,
    -- Counts changes of class, control, lost, closing and closed; the ledger has those up to `applied`.
    revision BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX wallets_of_owner ON wallets (owner, id);
CREATE INDEX wallets_closing ON wallets (id) WHERE closing = 1 AND closed = 0;
CREATE INDEX wallets_unapplied ON wallets (id) WHERE applied <> revision;

-- The class that a person's identity allows; persons without a row have class IV.
CREATE TABLE wallet_classes (
    person_id TEXT PRIMARY KEY,
    class SMALLINT NOT NULL,
    changed_at BIGINT NOT NULL
);
