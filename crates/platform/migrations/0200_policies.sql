-- Dated versions of every number that a regulator or the operator may change. Rows are only added.
CREATE TABLE policies (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- In force from this moment, milliseconds.
    effective_from BIGINT NOT NULL,
    -- NULL means that there is no bound.
    value BIGINT,
    unit TEXT NOT NULL,
    source TEXT NOT NULL,
    mark TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (name, version)
);
