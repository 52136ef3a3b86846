-- What happened to each wallet, one row per wallet and movement. Made by the follower `history`;
-- dropping every row and reading the journal again gives the same rows. Words that the parties wrote
-- (descriptions, notes) stay where they belong and are looked up when a page is read.
CREATE TABLE movements (
    wallet TEXT NOT NULL,
    -- The journal's record that names the wallet.
    seq BIGINT NOT NULL,
    -- The ledger transfer's number, 26 digits, the same for all legs and both sides.
    transaction_no TEXT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    amount BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    -- The other side as this side may see it: a masked or public name, and an opaque reference that
    -- is the same for the same pair and says nothing to anybody else.
    counterparty TEXT,
    counterparty_en TEXT,
    counterparty_ref TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (wallet, seq)
);
CREATE INDEX movements_by_kind ON movements (wallet, kind, seq);
CREATE INDEX movements_by_counterparty ON movements (wallet, counterparty_ref, seq);
-- Time never goes back along the journal, so this order and the one by `seq` are the same.
CREATE INDEX movements_by_time ON movements (wallet, at, seq);
CREATE INDEX movements_by_transaction ON movements (transaction_no);
