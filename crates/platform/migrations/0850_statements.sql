-- Merchants' statements of days that are over, and what is compared with them.

-- What an export's file holds: an account's history, or a statement's funds or trades.
ALTER TABLE exports ADD COLUMN content TEXT NOT NULL DEFAULT 'history';
-- Of the file as it is fetched, 64 hexadecimal digits.
ALTER TABLE exports ADD COLUMN sm3 TEXT;
-- What a statement's lines add up to, JSON.
ALTER TABLE exports ADD COLUMN totals TEXT;

CREATE TABLE day_statements (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    -- A day at UTC+8, 2026-11-22.
    day TEXT NOT NULL,
    -- trades or funds
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    -- MAKING, READY, FAILED
    state TEXT NOT NULL,
    -- The export that makes the file, or made it.
    export TEXT NOT NULL,
    tries BIGINT NOT NULL,
    opening BIGINT,
    closing BIGINT,
    totals TEXT,
    bytes BIGINT,
    sha256 TEXT,
    sm3 TEXT,
    created_at BIGINT NOT NULL,
    ready_at BIGINT,
    -- When the file is destroyed; the statement is made again for whoever asks.
    expires_at BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, day, kind, format)
);
CREATE INDEX day_statements_by_merchant ON day_statements (merchant, id);
CREATE INDEX day_statements_making ON day_statements (id) WHERE state = 'MAKING';

-- How far the statements of a day have been asked for, merchant by merchant.
CREATE TABLE statement_days (
    day TEXT PRIMARY KEY,
    -- The last merchant that was looked at.
    after_merchant TEXT NOT NULL,
    done SMALLINT NOT NULL
);
