-- Payouts: many transfers out of a merchant's wallet, asked for in one call or one file.
CREATE TABLE payout_batches (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    -- The merchant's number of it: used once for ever.
    out_batch_no TEXT NOT NULL,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    skip_invalid SMALLINT NOT NULL,
    notify_url TEXT,
    -- A keyed digest of the lines as they were asked for: tells a repetition from another batch.
    content TEXT NOT NULL,
    -- RECEIVING, PENDING_APPROVAL, ACCEPTED, PROCESSING, SUCCESS, PARTIAL, FAIL, CANCELLED, REJECTED
    state TEXT NOT NULL,
    total_count BIGINT NOT NULL,
    total_amount BIGINT NOT NULL,
    done_count BIGINT NOT NULL,
    done_amount BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    failed_amount BIGINT NOT NULL,
    invalid_count BIGINT NOT NULL,
    -- Lines up to this one were handed to the ledger and its refusals written down.
    handed_line BIGINT NOT NULL,
    -- What each ledger transfer carries: of the request that was signed.
    digest BLOB NOT NULL,
    requested_by TEXT NOT NULL,
    approver TEXT,
    reason TEXT,
    -- Who carries it out now, until when it may.
    claim TEXT,
    claimed_until BIGINT,
    created_at BIGINT NOT NULL,
    begun_at BIGINT,
    ended_at BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (merchant, out_batch_no)
);
CREATE INDEX payout_batches_by_merchant ON payout_batches (merchant, id);
CREATE INDEX payout_batches_open ON payout_batches (state, id) WHERE state IN ('RECEIVING', 'ACCEPTED', 'PROCESSING');

CREATE TABLE payout_lines (
    -- pol_…; its number is the ledger transfer's id.
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    merchant TEXT NOT NULL,
    -- From 1, as in the call or the file without its header.
    line BIGINT NOT NULL,
    -- The merchant's number of it: used once for ever. Of an INVALID line whatever could be read.
    out_transfer_no TEXT,
    -- NULL for an INVALID line.
    wallet TEXT,
    -- The payee as it may be shown: a wallet, or a masked phone.
    payee TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- A word to the payee, sealed.
    remark BLOB,
    -- ACCEPTED, SUCCESS, FAIL, INVALID
    state TEXT NOT NULL,
    -- The code it failed with; of an INVALID line the field and the reason.
    problem TEXT,
    field TEXT,
    ended_at BIGINT,
    record_seq BIGINT
);
CREATE UNIQUE INDEX payout_lines_in_order ON payout_lines (batch, line);
CREATE UNIQUE INDEX payout_lines_numbers ON payout_lines (merchant, out_transfer_no) WHERE state <> 'INVALID';
CREATE INDEX payout_lines_by_state ON payout_lines (batch, state, id);

-- What a merchant's owner has set.
CREATE TABLE payout_settings (
    merchant TEXT PRIMARY KEY,
    -- Batches above this sum wait for the owner; NULL for none.
    approval_above BIGINT,
    changed_at BIGINT NOT NULL
);

-- Phones and names of a natural day that fitted nobody: bounds guessing.
CREATE TABLE payout_misses (
    merchant TEXT NOT NULL,
    day BIGINT NOT NULL,
    misses BIGINT NOT NULL,
    PRIMARY KEY (merchant, day)
);
