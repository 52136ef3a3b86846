-- Idempotency keys: one row per owner and key, with the work it stands for and, once done, the answer.
CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of method, path with query, and body.
    print BLOB NOT NULL,
    work TEXT NOT NULL,
    run BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    status SMALLINT,
    -- Sealed.
    answer BLOB,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_by_use ON idempotency_keys (used_at);

-- Nonces of signed requests that were accepted.
CREATE TABLE nonces (
    caller TEXT NOT NULL,
    nonce TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (caller, nonce)
);
CREATE INDEX nonces_by_age ON nonces (seen_at);
