-- Bank accounts that persons have linked. The account's number is not kept: the bank's agreement
-- stands for it.
CREATE TABLE bank_links (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    institution_id TEXT NOT NULL REFERENCES institutions (id),
    -- Blind index of the account's number, to find it again.
    account_index TEXT NOT NULL,
    -- The account with all but its last digits hidden.
    account_mask TEXT NOT NULL,
    -- PENDING, SIGNED, ENDED
    state TEXT NOT NULL,
    -- The bank's name for the attempt to link; what it answered to the start.
    attempt TEXT,
    -- Codes that the bank has refused.
    wrong_codes BIGINT NOT NULL,
    -- The bank's name for the signed agreement.
    agreement TEXT,
    -- Whether the bank knows that the link has ended.
    bank_told SMALLINT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    signed_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX bank_links_of_person ON bank_links (person_id, id);
CREATE UNIQUE INDEX bank_links_live ON bank_links (person_id, account_index) WHERE state <> 'ENDED';
CREATE INDEX bank_links_untold ON bank_links (id) WHERE state = 'ENDED' AND bank_told = 0;
