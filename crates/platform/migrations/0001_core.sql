-- How far each follower has read the journal.
CREATE TABLE cursors (
    follower TEXT PRIMARY KEY,
    next_seq BIGINT NOT NULL
);
