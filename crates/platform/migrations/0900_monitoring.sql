-- What merchants' servers asked of the signed API, a minute each. Every node adds its own part, so a row is a sum.
CREATE TABLE integration_counts (
    merchant TEXT NOT NULL,
    -- Minutes since 1970.
    minute BIGINT NOT NULL,
    -- The service provider that asked for the merchant; empty where the merchant's own servers did.
    provider TEXT NOT NULL,
    -- le_250: answered within 250 ms and not within the bound before. Else the code of a problem.
    what TEXT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (merchant, minute, provider, what)
);
CREATE INDEX integration_counts_by_minute ON integration_counts (minute);
CREATE INDEX integration_counts_by_provider ON integration_counts (provider, minute) WHERE provider <> '';

-- What is or was wrong with an integration: one row for each rule and what it is about.
CREATE TABLE integration_incidents (
    merchant TEXT NOT NULL,
    -- SUCCESS_RATE, ERROR_CODE, LATENCY, ENDPOINT
    rule TEXT NOT NULL,
    -- The error code, or the endpoint's id; empty for rules about all requests.
    subject TEXT NOT NULL,
    -- Which incident of these this is, from 1.
    number BIGINT NOT NULL,
    -- What was measured when it began.
    measured BIGINT NOT NULL,
    began_at BIGINT NOT NULL,
    -- When the rule was found broken last.
    seen_at BIGINT NOT NULL,
    -- NULL while it lasts.
    recovered_at BIGINT,
    PRIMARY KEY (merchant, rule, subject)
);
CREATE INDEX integration_incidents_open ON integration_incidents (merchant, rule, subject) WHERE recovered_at IS NULL;

-- Figures ask for what ended in a time, and alerts for endpoints that fail.
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (webhook, finished_at);
CREATE INDEX webhook_queues_failing ON webhook_queues (webhook) WHERE failing_since IS NOT NULL;
