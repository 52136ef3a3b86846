-- Codes that are printed once and paid with an amount that the payer types.
CREATE TABLE static_codes (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    -- Store and till while the code is active: a place has one code at a time.
    place TEXT,
    store TEXT,
    terminal TEXT,
    description TEXT NOT NULL,
    notify_url TEXT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    UNIQUE (merchant, place)
);
CREATE INDEX static_codes_by_merchant ON static_codes (merchant, id);

-- Which signature made which order: sent again, it makes no other.
CREATE TABLE static_payments (
    order_id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    person TEXT NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (person, digest)
);
CREATE INDEX static_payments_by_code ON static_payments (code, order_id);
