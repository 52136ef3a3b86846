-- Events for merchants, kept 30 days.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    type TEXT NOT NULL,
    -- What it is about, and the version of it that the resource shows: grows per object.
    object TEXT NOT NULL,
    object_version BIGINT NOT NULL,
    -- What makes it one event however often it is written: the journal's record, or the version.
    occasion BIGINT NOT NULL,
    resource TEXT NOT NULL,
    notify_url TEXT,
    created_at BIGINT NOT NULL,
    -- NULL until the merchant's server took it or acknowledged it.
    delivered_at BIGINT,
    UNIQUE (object, type, occasion)
);
CREATE INDEX events_by_merchant ON events (merchant, id);
CREATE INDEX events_undelivered ON events (merchant, delivered_at, id);
CREATE INDEX events_age ON events (created_at);
