-- Files that somebody sent or that were made for somebody, sealed in a folder under the row's id. The key
-- is here, sealed; the file is nothing without it.
CREATE TABLE files (
    id TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    data_key BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

-- A merchant's own file of a day, compared item by item with the ledger.
CREATE TABLE reconciliations (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    day TEXT NOT NULL,
    -- UPLOAD or URL
    source TEXT NOT NULL,
    -- How the file is to be read, JSON.
    layout TEXT NOT NULL,
    -- AWAITING_FILE, QUEUED, RUNNING, DONE, FAILED
    state TEXT NOT NULL,
    -- What was said of a file to be uploaded.
    promised_bytes BIGINT,
    promised_sha256 TEXT,
    -- The merchant's file, and the result's.
    file TEXT,
    result TEXT,
    -- Why it failed, and in which line.
    fault TEXT,
    fault_line BIGINT,
    -- How many items of each outcome, JSON.
    counts TEXT,
    items_done BIGINT NOT NULL,
    claim TEXT,
    claimed_until BIGINT,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- When the files are destroyed.
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX reconciliations_by_merchant ON reconciliations (merchant, id);
CREATE INDEX reconciliations_waiting ON reconciliations (id) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX reconciliations_expiring ON reconciliations (expires_at);

-- Breaks: items that are not the same on both sides. Amounts in fen.
CREATE TABLE reconciliation_cases (
    id TEXT PRIMARY KEY,
    reconciliation TEXT NOT NULL,
    merchant TEXT NOT NULL,
    day TEXT NOT NULL,
    -- MORE, LESS, DIFF, STATE_DIFF, PENDING
    outcome TEXT NOT NULL,
    -- payment or refund
    kind TEXT NOT NULL,
    out_no TEXT NOT NULL,
    reason TEXT,
    our_amount BIGINT,
    our_state TEXT,
    our_at BIGINT,
    subject TEXT,
    their_amount BIGINT,
    their_state TEXT,
    their_line BIGINT,
    -- OPEN, EXPLAINED, RESOLVED
    state TEXT NOT NULL,
    note TEXT,
    decided_by TEXT,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX reconciliation_cases_by_merchant ON reconciliation_cases (merchant, id);
CREATE INDEX reconciliation_cases_by_state ON reconciliation_cases (merchant, state, id);
CREATE INDEX reconciliation_cases_by_reconciliation ON reconciliation_cases (reconciliation, id);

-- Where a merchant's own files can be fetched. The address may hold a secret, so it lies sealed.
CREATE TABLE reconciliation_sources (
    merchant TEXT PRIMARY KEY,
    address BLOB NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL
);
