-- Orders, attempts to pay them, and refunds. `version` grows with every change of a row, so that
-- whoever hears of changes can put them in order.
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    out_trade_no TEXT NOT NULL,
    trade_type TEXT NOT NULL,
    store TEXT,
    description TEXT NOT NULL,
    amount BIGINT NOT NULL,
    expires_in BIGINT,
    attach TEXT,
    notify_url TEXT,
    goods_tag TEXT,
    mandate TEXT,
    state TEXT NOT NULL,
    -- What was paid and given back or promised to be, fen. `refunding` is reserved by refunds that
    -- have not ended, so that refunds never exceed the payment, however many run at once.
    refunded BIGINT NOT NULL,
    refunding BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- The attempt that holds the order now, until when it may.
    attempt TEXT,
    leased_until BIGINT,
    -- Who paid, once somebody has.
    payer_wallet TEXT,
    paid_at BIGINT,
    record_seq BIGINT,
    closed_at BIGINT,
    close_reason TEXT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, out_trade_no)
);
CREATE INDEX orders_by_merchant ON orders (merchant, id);
CREATE INDEX orders_by_expiry ON orders (state, expires_at);
CREATE INDEX orders_by_lease ON orders (state, leased_until);
CREATE INDEX orders_by_store ON orders (store, id);

-- Every state an order was in, in order: what a dispute asks for.
CREATE TABLE order_states (
    order_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (order_id, version)
);

CREATE TABLE payments (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    person TEXT NOT NULL,
    wallet TEXT NOT NULL,
    mandate TEXT,
    amount BIGINT NOT NULL,
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX payments_by_order ON payments (order_id, id);
CREATE INDEX payments_by_person ON payments (person, id);

CREATE TABLE refunds (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    order_id TEXT NOT NULL,
    out_refund_no TEXT NOT NULL,
    amount BIGINT NOT NULL,
    reason TEXT,
    nature TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    digest BLOB NOT NULL,
    requested_by TEXT NOT NULL,
    approver TEXT,
    -- Who carries it out now, until when it may.
    claim TEXT,
    claimed_until BIGINT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    record_seq BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, out_refund_no)
);
CREATE INDEX refunds_by_merchant ON refunds (merchant, id);
CREATE INDEX refunds_by_order ON refunds (order_id, id);
CREATE INDEX refunds_by_state ON refunds (state, id);
