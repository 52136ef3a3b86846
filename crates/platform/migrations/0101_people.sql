-- People. Personal data is sealed under the person's own data key, which is itself sealed under the
-- platform's key ring: clearing `data_key` erases the person everywhere, backups included.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    -- Blind indexes find a value by equality without opening any row.
    phone_index TEXT UNIQUE,
    identity_index TEXT UNIQUE,
    data_key BLOB,
    phone BLOB,
    name BLOB,
    identity_number BLOB,
    password TEXT NOT NULL,
    -- The wallet class the identity level stands for: 4 anonymous to 1 face to face.
    level SMALLINT NOT NULL,
    findable SMALLINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Identity checks: what was submitted, sealed, until the identity service has an outcome.
CREATE TABLE identity_checks (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    level SMALLINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    name BLOB,
    identity_number BLOB,
    attempts BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    -- 1 once the wallets were told of the new class.
    applied SMALLINT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT
);
CREATE INDEX identity_checks_of_person ON identity_checks (person, id);
CREATE INDEX identity_checks_due ON identity_checks (state, applied, next_try_at);

-- Organisations, registered by a verified person who represents them.
CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    licence TEXT NOT NULL UNIQUE,
    representative TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX organisations_of_person ON organisations (representative, id);

-- One live one-time code per phone and purpose; only a keyed hash is kept.
CREATE TABLE one_time_codes (
    phone_index TEXT NOT NULL,
    purpose TEXT NOT NULL,
    hash TEXT NOT NULL,
    tries BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (phone_index, purpose)
);
CREATE INDEX one_time_codes_expiry ON one_time_codes (expires_at);

-- How often something was done in the current hour and day, by blind bucket.
CREATE TABLE quotas (
    bucket TEXT PRIMARY KEY,
    hour BIGINT NOT NULL,
    hour_count BIGINT NOT NULL,
    day BIGINT NOT NULL,
    day_count BIGINT NOT NULL
);
CREATE INDEX quotas_day ON quotas (day);

-- Failures in a row and the wait they earned, by blind bucket.
CREATE TABLE failures (
    bucket TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX failures_last ON failures (last_at);

-- Sessions; the token itself is never stored, only its keyed hash.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    device TEXT,
    token_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT
);
CREATE INDEX sessions_of_person ON sessions (person, id);
CREATE INDEX sessions_of_device ON sessions (device);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Challenges that a device signs to prove that it holds its key; each is used once.
CREATE TABLE device_challenges (
    id TEXT PRIMARY KEY,
    nonce TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX device_challenges_expiry ON device_challenges (expires_at);

-- Bound devices. A key is bound once, ever: a revoked one never comes back.
CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    suite TEXT NOT NULL,
    key_id TEXT NOT NULL,
    spki BLOB NOT NULL,
    spki_hash TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX devices_of_person ON devices (person, id);

-- What devices signed: the whole text and signature, so that a dispute can be settled.
CREATE TABLE evidence (
    device TEXT NOT NULL,
    nonce TEXT NOT NULL,
    person TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    signature BLOB NOT NULL,
    digest BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (device, nonce)
);
CREATE INDEX evidence_of_subject ON evidence (subject, created_at);

-- Payment PINs. Failures are counted before each check, so parallel guesses cannot slip through.
CREATE TABLE pins (
    person TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- What a person spent without PIN on a natural day (UTC+8), in fen.
CREATE TABLE pin_free_days (
    person TEXT NOT NULL,
    day BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (person, day)
);
