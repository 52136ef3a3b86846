-- What a person asked or complained of, and where that stands.
CREATE TABLE tickets (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    -- QUESTION, COMPLAINT, CONTEST_PAYMENT, ASK_REFUND, LOST_DEVICE
    topic TEXT NOT NULL,
    -- The id of what it is about.
    subject TEXT,
    -- OPEN, ANSWERED, CLOSED
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_person ON tickets (person, id);
CREATE INDEX tickets_by_state ON tickets (state, id);
CREATE INDEX tickets_by_age ON tickets (updated_at);

-- What was written in a ticket, in order. Sealed under the key of the person whose ticket it is, so that it
-- ends with that person's data.
CREATE TABLE ticket_messages (
    ticket TEXT NOT NULL,
    place BIGINT NOT NULL,
    -- YOU for the person, STAFF for the people who run the platform.
    author TEXT NOT NULL,
    -- Which of them.
    operator TEXT,
    said BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (ticket, place)
);
