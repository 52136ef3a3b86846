-- What happened to each wallet, one row per wallet and movement. Made by the follower `history`;
-- dropping every row and reading the journal again gives the same rows.
CREATE TABLE movements (
    wallet TEXT NOT NULL,
    -- The journal's record that names the wallet.
    seq BIGINT NOT NULL,
    -- The ledger transfer's number as text without prefix, and what it paid for.
    transaction_no TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    amount BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    -- The other side as this side may see it: a masked or public name, and an opaque reference that
    -- is the same for the same pair and says nothing to anybody else.
    counterparty TEXT,
    counterparty_ref TEXT NOT NULL,
    memo TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (wallet, seq)
);
CREATE INDEX movements_by_kind ON movements (wallet, kind, seq);
CREATE INDEX movements_by_counterparty ON movements (wallet, counterparty_ref, seq);
CREATE INDEX movements_by_transaction ON movements (transaction_no, wallet);
CREATE INDEX movements_by_time ON movements (wallet, at);
