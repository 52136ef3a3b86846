-- Settlement: what a merchant's wallet holds goes to its bank account, batch by batch.
CREATE TABLE settlement_settings (
    merchant TEXT PRIMARY KEY,
    -- The owner's linked bank account.
    link TEXT NOT NULL,
    -- DAILY, ON_DEMAND
    cut TEXT NOT NULL,
    -- Minutes after midnight at UTC+8 of a daily cut.
    cut_minute BIGINT NOT NULL,
    -- Less than this is not worth a batch; what stays in the wallet; fen.
    minimum BIGINT NOT NULL,
    keep BIGINT NOT NULL,
    -- Batches above this wait for the owner; NULL for none.
    approval_above BIGINT,
    next_cut_at BIGINT,
    changed_at BIGINT NOT NULL
);
CREATE INDEX settlement_cuts ON settlement_settings (next_cut_at) WHERE next_cut_at IS NOT NULL;

CREATE TABLE settlements (
    -- set_…; the same number names the withdrawal that pays it and the transfer that takes its fee.
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    -- The merchant's number of one that was asked for.
    out_settlement_no TEXT,
    -- OPEN, CUT, RECONCILED, EXCEPTION, APPROVED, PAYING, PAID, FAILED, HELD
    state TEXT NOT NULL,
    -- Where it was when it was held, and why.
    held_from TEXT,
    reason TEXT,
    -- The places of the journal that it is about.
    first_seq BIGINT NOT NULL,
    end_seq BIGINT,
    -- Fen. What the wallet held before and after, and what moved in between as text.
    opening BIGINT,
    closing BIGINT,
    figures TEXT,
    fee BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    fee_taken_at BIGINT,
    link TEXT,
    approver TEXT,
    created_at BIGINT NOT NULL,
    cut_at BIGINT,
    reconciled_at BIGINT,
    approved_at BIGINT,
    paid_at BIGINT,
    ended_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX settlements_by_merchant ON settlements (merchant, id);
CREATE UNIQUE INDEX settlements_open ON settlements (merchant) WHERE state = 'OPEN';
CREATE UNIQUE INDEX settlements_numbers ON settlements (merchant, out_settlement_no) WHERE out_settlement_no IS NOT NULL;
CREATE INDEX settlements_under_way ON settlements (state, id) WHERE state IN ('CUT', 'RECONCILED', 'APPROVED', 'PAYING');
CREATE INDEX settlements_fees ON settlements (id) WHERE state = 'PAID' AND fee > 0 AND fee_taken_at IS NULL;
