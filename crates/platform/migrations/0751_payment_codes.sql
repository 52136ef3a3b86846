-- Codes that payers show. The number itself is not kept: a copy of the table shows no code.
CREATE TABLE payment_codes (
    id TEXT PRIMARY KEY,
    -- SHA-256 of the number, base64.
    hash TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    wallet TEXT NOT NULL,
    device TEXT NOT NULL,
    -- The most that it pays without PIN, fen: the payer's own bound, signed by the device.
    pin_free BIGINT NOT NULL,
    -- The digest of what the device signed; the same for all that were drawn with it.
    digest BLOB NOT NULL,
    issued_at BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    -- When newer codes of the device took its place.
    ended_at BIGINT,
    -- The one order it pays.
    order_id TEXT,
    used_at BIGINT
);
CREATE INDEX payment_codes_by_person ON payment_codes (person, issued_at);
CREATE INDEX payment_codes_by_device ON payment_codes (device, issued_at);
CREATE INDEX payment_codes_by_age ON payment_codes (valid_until);

-- Whose code an order charges.
CREATE TABLE code_payments (
    order_id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    person TEXT NOT NULL,
    wallet TEXT NOT NULL,
    device TEXT NOT NULL,
    charged_at BIGINT NOT NULL
);
CREATE INDEX code_payments_by_person ON code_payments (person, charged_at);
