-- Applications of merchants: business data, documents, review by two people, agreement, conformance.
CREATE TABLE applications (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    organisation TEXT NOT NULL,
    -- MERCHANT or PROVIDER
    kind TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    mcc TEXT NOT NULL,
    institution TEXT NOT NULL,
    -- Everything else of the business, JSON, sealed under the owner's own key.
    business BLOB NOT NULL,
    -- DRAFT, SUBMITTED, IN_REVIEW, RETURNED, APPROVED, REFUSED, AGREEMENT_PENDING, ACTIVE
    state TEXT NOT NULL,
    -- What to correct, JSON; why it was refused.
    corrections TEXT,
    reason TEXT,
    -- Operators: who reviews it, and who approved it first.
    reviewer TEXT,
    first_approver TEXT,
    second_approver TEXT,
    -- The merchant it became.
    merchant TEXT,
    -- The agreement that was offered, and when the owner's device signed it.
    agreement_version BIGINT,
    agreement_sha256 TEXT,
    accepted_at BIGINT,
    -- The signed report of a passed conformance suite.
    conformance_sha256 TEXT,
    conformance_suite TEXT,
    conformance_by TEXT,
    conformance_at BIGINT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX applications_by_owner ON applications (owner, id);
CREATE INDEX applications_by_state ON applications (state, id);
CREATE INDEX applications_by_merchant ON applications (merchant);

-- Every state an application was in, and who put it there.
CREATE TABLE application_states (
    application TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    who TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (application, version)
);

CREATE TABLE application_documents (
    -- The promise's id; the file's own is in `file` once it has come.
    id TEXT PRIMARY KEY,
    application TEXT NOT NULL,
    kind TEXT NOT NULL,
    content_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    file TEXT,
    created_at BIGINT NOT NULL,
    stored_at BIGINT
);
CREATE INDEX application_documents_by_application ON application_documents (application, id);
