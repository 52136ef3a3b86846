-- New devices that ask an old one to be let in. They have proved to hold their keys.
CREATE TABLE device_requests (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    -- The session that asked; it is bound to the device once that is let in.
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    spki BLOB NOT NULL,
    -- Two digits that the new device shows and the old one is told by its holder.
    number TEXT NOT NULL,
    -- PENDING, APPROVED, REFUSED
    state TEXT NOT NULL,
    device TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_at BIGINT
);
CREATE INDEX device_requests_of_person ON device_requests (person, id);
CREATE INDEX device_requests_expiry ON device_requests (expires_at);
