-- The newest count of money in wallets by institution and class; each count replaces the one before.
CREATE TABLE supply_in_wallets (
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    class SMALLINT NOT NULL,
    wallets BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (institution_id, class)
);
