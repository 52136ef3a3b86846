-- The newest checkpoint that was published with cosignatures of witnesses, so that a restart does not
-- publish less than before. One row.
CREATE TABLE cosigned (
    id SMALLINT PRIMARY KEY,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    at BIGINT NOT NULL
);
