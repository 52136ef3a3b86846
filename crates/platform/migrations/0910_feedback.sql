-- What integrators and readers of the documents wrote to the people who run the platform.
CREATE TABLE feedback (
    id TEXT PRIMARY KEY,
    -- NULL for the public form.
    merchant TEXT,
    -- Who of the merchant's: its id or its provider's, and the key.
    sender TEXT,
    -- FAULT, DOCUMENTS, SANDBOX, WISH, OTHER
    topic TEXT NOT NULL,
    -- The text, where it happened, whom to answer: JSON, sealed under the platform's own key.
    said BLOB NOT NULL,
    -- OPEN, ANSWERED
    state TEXT NOT NULL,
    answer TEXT,
    answered_by TEXT,
    answered_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX feedback_by_state ON feedback (state, id);
CREATE INDEX feedback_by_merchant ON feedback (merchant, id);
CREATE INDEX feedback_by_age ON feedback (created_at);
