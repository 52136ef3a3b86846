-- What people are told: a code and its parameters; the words are the reader's language's.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    code TEXT NOT NULL,
    params TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    read_at BIGINT,
    -- WAITING, SENT or FAILED: the way outward, by the notice connector.
    sending TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL
);
CREATE INDEX notices_by_person ON notices (person, id);
CREATE INDEX notices_unread ON notices (person, read_at);
CREATE INDEX notices_due ON notices (sending, next_try_at);
