-- Every account's balance at one place of the journal, in the order of their numbers: what a day's
-- tree is built from. Pages of one generation are written beside those of the one before.
CREATE TABLE supply_accounts (
    generation BIGINT NOT NULL,
    page BIGINT NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (generation, page)
);

-- The generation that is whole, and the records it stands on. One row.
CREATE TABLE supply_standing (
    one SMALLINT PRIMARY KEY,
    generation BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    records BIGINT NOT NULL
);

-- What was issued and redeemed up to that place, for each currency and liability holder.
CREATE TABLE supply_issued (
    currency BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    redeemed BIGINT NOT NULL,
    PRIMARY KEY (currency, holder)
);

-- One statement for each day; its digest is in the ledger's log in record `record_seq`.
CREATE TABLE supply_statements (
    day BIGINT PRIMARY KEY,
    statement TEXT NOT NULL,
    digest BLOB NOT NULL,
    -- NULL until the log has it.
    record_seq BIGINT,
    published_at BIGINT
);

-- The sum trees of the days that are kept: 256 leaves or nodes to a page, by level.
CREATE TABLE supply_trees (
    day BIGINT NOT NULL,
    -- The book's place in the statement.
    book BIGINT NOT NULL,
    level BIGINT NOT NULL,
    page BIGINT NOT NULL,
    -- A page of leaves begins with this commitment; NULL for nodes.
    first_leaf BLOB,
    nodes BLOB NOT NULL,
    PRIMARY KEY (day, book, level, page)
);
CREATE INDEX supply_trees_by_leaf ON supply_trees (day, book, first_leaf) WHERE level = 0;
