-- Transfers that arrive later: the ledger holds the money until then.
ALTER TABLE transfers ADD COLUMN arrives_at BIGINT;
-- When the payer took it back; the ledger says whether that came in time.
ALTER TABLE transfers ADD COLUMN revoked_at BIGINT;
-- When the ledger said that the money is free again.
ALTER TABLE transfers ADD COLUMN released_at BIGINT;
