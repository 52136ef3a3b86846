-- Credentials of WebAuthn. Only the public half of a key is here.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The credential's id, base64url.
    credential TEXT NOT NULL UNIQUE,
    suite TEXT NOT NULL,
    spki BLOB NOT NULL,
    -- How often the authenticator said that it has signed; 0 where it does not count.
    use_count BIGINT NOT NULL,
    backed_up SMALLINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_of_person ON passkeys (person, id);

-- Authenticator applications: one per person. The secret is sealed under the person's own key.
CREATE TABLE authenticators (
    person TEXT PRIMARY KEY,
    secret BLOB NOT NULL,
    -- PENDING, ACTIVE
    state TEXT NOT NULL,
    -- The step of the last code that was taken: no code of it or before is taken again.
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT
);

-- Codes for when the authenticator is lost; only a keyed hash is kept.
CREATE TABLE recovery_codes (
    person TEXT NOT NULL,
    hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (person, hash)
);

-- A person reads what was done in its name.
CREATE INDEX audit_entries_by_who ON audit_entries (who, id);
