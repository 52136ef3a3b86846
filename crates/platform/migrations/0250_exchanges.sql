-- Top-ups and withdrawals: deposit money becomes wallet money and back.
CREATE TABLE exchanges (
    -- top_… or wdr_…; its number is the ledger transfer's id, its text our reference at the bank.
    id TEXT PRIMARY KEY,
    -- TOP_UP or WITHDRAWAL
    direction TEXT NOT NULL,
    -- 1 for a withdrawal that empties a closing wallet.
    sweep BIGINT NOT NULL,
    person_id TEXT NOT NULL,
    wallet_id TEXT NOT NULL REFERENCES wallets (id),
    link_id TEXT NOT NULL REFERENCES bank_links (id),
    -- The bank of the link.
    bank_id TEXT NOT NULL REFERENCES institutions (id),
    -- The wallet app's own number: idempotency key for ever.
    out_no TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- Digest of what the device signed.
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    -- What the bank has said for certain: DONE, REFUSED.
    bank_outcome TEXT,
    bank_ref TEXT,
    -- Whether the money is held in the ledger.
    held BIGINT NOT NULL,
    -- Whether the bank was ever asked to move it.
    asked BIGINT NOT NULL,
    -- 0 no; above: the money goes back, and the number of the try.
    give_back BIGINT NOT NULL,
    return_asked BIGINT NOT NULL,
    return_not_after BIGINT NOT NULL,
    -- Natural day since 1970 and year at UTC+8, for limits.
    day BIGINT NOT NULL,
    year BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- A bank that gets the request later refuses it.
    not_after BIGINT NOT NULL,
    -- When it is looked at next; NULL when nothing is left to do.
    next_try_at BIGINT,
    tries BIGINT NOT NULL,
    -- Who works on it has it until then.
    claimed_until BIGINT,
    settled_at BIGINT,
    UNIQUE (person_id, direction, out_no)
);
CREATE INDEX exchanges_list ON exchanges (person_id, direction, id);
CREATE INDEX exchanges_limits ON exchanges (link_id, direction, year, day);
CREATE INDEX exchanges_arriving ON exchanges (wallet_id, direction, state);
CREATE INDEX exchanges_due ON exchanges (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX exchanges_of_day ON exchanges (bank_id, day, id);

-- Our records against a bank's statement, one line per reference; the newest comparison counts.
CREATE TABLE reconciliation_items (
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    reference TEXT NOT NULL,
    -- PULL, PUSH, RETURN
    kind TEXT NOT NULL,
    -- Natural day, 2026-11-22
    day TEXT NOT NULL,
    -- SAME, MORE (only here), LESS (only there), DIFF (amount), STATE_DIFF, PENDING
    outcome TEXT NOT NULL,
    our_amount BIGINT,
    their_amount BIGINT,
    our_state TEXT,
    bank_ref TEXT,
    compared_at BIGINT NOT NULL,
    PRIMARY KEY (institution_id, reference, kind)
);
CREATE INDEX reconciliation_items_of_day ON reconciliation_items (institution_id, day, reference);
CREATE INDEX reconciliation_breaks ON reconciliation_items (outcome, day) WHERE outcome <> 'SAME';

-- Comparisons done: once per bank and day, repeated ones replace the figures.
CREATE TABLE reconciliation_runs (
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    day TEXT NOT NULL,
    entries BIGINT NOT NULL,
    ran_at BIGINT NOT NULL,
    PRIMARY KEY (institution_id, day)
);

-- Notices of banks that were taken in, so that a repeated one changes nothing.
CREATE TABLE bank_notices (
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    id TEXT NOT NULL,
    reference TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (institution_id, id)
);
CREATE INDEX bank_notices_age ON bank_notices (received_at);
