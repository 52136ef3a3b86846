-- What people ask each other for. The note is personal and sealed under the platform's key ring.
CREATE TABLE payment_requests (
    id TEXT PRIMARY KEY,
    requester TEXT NOT NULL,
    payer TEXT NOT NULL,
    -- The requester's own number of it: the natural key for ever. Those of a bill begin with ~.
    out_request_no TEXT NOT NULL,
    bill_split TEXT,
    -- A keyed hash of how the requester named the payer.
    payer_hash TEXT NOT NULL,
    to_wallet TEXT NOT NULL,
    amount BIGINT NOT NULL,
    note BLOB,
    -- PENDING, PAID, DECLINED, CANCELLED; one that waited too long is over without a word here.
    state TEXT NOT NULL,
    -- The transfer that paid it.
    transfer TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (requester, out_request_no)
);
CREATE INDEX payment_requests_by_requester ON payment_requests (requester, id);
CREATE INDEX payment_requests_by_payer ON payment_requests (payer, id);
CREATE INDEX payment_requests_by_bill ON payment_requests (bill_split, id);

-- A bill that one person paid and several share.
CREATE TABLE bill_splits (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    out_split_no TEXT NOT NULL,
    title BLOB NOT NULL,
    to_wallet TEXT NOT NULL,
    total BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (person, out_split_no)
);
CREATE INDEX bill_splits_by_person ON bill_splits (person, id);
