-- Where merchants want to be told. Read by every payment that writes an event, so what the delivery
-- changes all the time stands in webhook_queues instead.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    -- REGISTERED by the merchant, or NOTIFY_URL: made for the host that its orders name.
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    -- The scheme, host and port that orders name, or * for all beyond the limit; NULL if registered.
    origin TEXT,
    description TEXT,
    -- Event types with a comma before and after each, or *.
    events TEXT NOT NULL,
    status TEXT NOT NULL,
    disabled_reason TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (merchant, origin)
);
CREATE INDEX webhooks_by_merchant ON webhooks (merchant, id);

-- How each endpoint's queue stands.
CREATE TABLE webhook_queues (
    webhook TEXT PRIMARY KEY,
    -- Failures in a row that say that the endpoint is down.
    failures BIGINT NOT NULL,
    -- Nothing is sent before.
    rests_until BIGINT NOT NULL,
    -- A worker of some node has it until then.
    leased_until BIGINT NOT NULL,
    failing_since BIGINT,
    delivered_at BIGINT
);
CREATE INDEX webhook_queues_by_rest ON webhook_queues (rests_until);

-- Secrets that sign messages to an endpoint, sealed. Two are valid while one is being replaced.
CREATE TABLE webhook_secrets (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    valid_to BIGINT
);
CREATE INDEX webhook_secrets_by_webhook ON webhook_secrets (webhook, id);

-- An event on its way to an endpoint.
CREATE TABLE webhook_deliveries (
    webhook TEXT NOT NULL,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    -- The order's own address; NULL for the endpoint's.
    url TEXT,
    state TEXT NOT NULL,
    -- Attempts since it was queued or queued again, which the schedule counts; and all of them.
    tries BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (webhook, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, state, due_at);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (queued_at);

-- What came of each attempt, kept as long as the delivery.
CREATE TABLE webhook_attempts (
    webhook TEXT NOT NULL,
    event TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    status SMALLINT,
    fault TEXT,
    answer TEXT,
    PRIMARY KEY (webhook, event, number)
);

-- Keys that seal what merchants are told. The newest that is valid seals.
CREATE TABLE merchant_api_keys (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    -- Sealed under the platform's own key.
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    valid_from BIGINT NOT NULL
);
CREATE INDEX merchant_api_keys_by_merchant ON merchant_api_keys (merchant, valid_from);
