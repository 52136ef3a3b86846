-- Merchants: who takes money in shops, with which keys their servers sign.
CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    owner TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    mcc TEXT NOT NULL,
    institution TEXT NOT NULL,
    wallet TEXT,
    status TEXT NOT NULL,
    status_reason TEXT,
    refund_approval_above BIGINT,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    version BIGINT NOT NULL,
    UNIQUE (organisation, name_zh)
);
CREATE INDEX merchants_by_owner ON merchants (owner, id);
CREATE INDEX merchants_by_status ON merchants (status, id);
CREATE INDEX merchants_by_wallet ON merchants (wallet);

CREATE TABLE stores (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    district TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX stores_by_merchant ON stores (merchant, id);

-- Public keys only; the suite belongs to the key, the serial is the key's id.
CREATE TABLE merchant_keys (
    merchant TEXT NOT NULL,
    serial TEXT NOT NULL,
    suite TEXT NOT NULL,
    spki BLOB NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (merchant, serial)
);
