-- Split settlement: the money of an order is frozen until it is shared out.
-- 1 for an order whose payment is frozen for splitting.
ALTER TABLE orders ADD COLUMN split SMALLINT NOT NULL DEFAULT 0;

CREATE TABLE split_receivers (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    wallet TEXT NOT NULL,
    relation TEXT NOT NULL,
    -- The merchant's word for it.
    name TEXT NOT NULL,
    -- 1 once the receiver lets the merchant take back what it was given.
    returns_agreed SMALLINT NOT NULL,
    -- ACTIVE, REMOVED
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    UNIQUE (merchant, wallet)
);
CREATE INDEX split_receivers_by_merchant ON split_receivers (merchant, id);
CREATE INDEX split_receivers_by_wallet ON split_receivers (wallet, id);

-- The frozen money of each such order. `left = amount - taken + returned` once it is frozen.
CREATE TABLE split_orders (
    -- spf_…; its number is the ledger transfer that freezes.
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- Shares, unfreezes and refunds out of it, done or reserved.
    taken BIGINT NOT NULL,
    -- Shares less what came back, done or reserved: what the largest share bounds.
    given BIGINT NOT NULL,
    -- Done: shared out, come back, given back to the merchant, refunded out of the freeze.
    shared BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    unfrozen BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    -- Refunds out of what was unfrozen before, done or reserved.
    refunded_own BIGINT NOT NULL,
    frozen_at BIGINT,
    record_seq BIGINT,
    version BIGINT NOT NULL
);

-- Requests to share out.
CREATE TABLE splits (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    out_split_no TEXT NOT NULL,
    order_id TEXT NOT NULL,
    -- What was asked for, as text: tells a repetition from another request.
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, out_split_no)
);
CREATE INDEX splits_by_merchant ON splits (merchant, id);

-- Every movement out of the frozen money and back into it.
CREATE TABLE split_moves (
    -- spm_…; its number is the ledger transfer's id.
    id TEXT PRIMARY KEY,
    -- SHARE, UNFREEZE, RETURN, REFUND
    kind TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant TEXT NOT NULL,
    -- Of a share the request, of a return the share, of a refund the refund.
    of_what TEXT NOT NULL,
    -- The merchant's number of a return.
    out_no TEXT,
    receiver TEXT,
    wallet TEXT,
    amount BIGINT NOT NULL,
    -- Of a refund what is not taken out of the freeze.
    own BIGINT NOT NULL,
    -- Of a share what came back or is reserved to.
    returned BIGINT NOT NULL,
    description TEXT,
    digest BLOB NOT NULL,
    -- PROCESSING, SUCCESS, CLOSED
    state TEXT NOT NULL,
    problem TEXT,
    claim TEXT,
    claimed_until BIGINT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX split_moves_numbers ON split_moves (merchant, kind, out_no) WHERE out_no IS NOT NULL;
CREATE INDEX split_moves_of ON split_moves (of_what, id);
CREATE INDEX split_moves_by_order ON split_moves (order_id, id);
CREATE INDEX split_moves_open ON split_moves (id) WHERE state = 'PROCESSING';
