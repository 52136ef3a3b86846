-- Service providers act for merchants that let them.

-- MERCHANT or PROVIDER
ALTER TABLE merchants ADD COLUMN kind TEXT NOT NULL DEFAULT 'MERCHANT';
-- The service provider that made the order for its merchant.
ALTER TABLE orders ADD COLUMN provider TEXT;

CREATE TABLE provider_grants (
    merchant TEXT NOT NULL,
    provider TEXT NOT NULL,
    -- What the provider may do: scopes, in order, one space between them.
    scopes TEXT NOT NULL,
    -- ACTIVE or REVOKED
    state TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    revoked_at BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (merchant, provider)
);
CREATE INDEX provider_grants_by_provider ON provider_grants (provider, merchant);
