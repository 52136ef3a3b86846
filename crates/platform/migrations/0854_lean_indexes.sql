-- Indexes of what a few rows have hold those rows only: a payment writes each of its rows several times.
DROP INDEX orders_by_lease;
CREATE INDEX orders_by_lease ON orders (leased_until) WHERE leased_until IS NOT NULL;
DROP INDEX orders_by_store;
CREATE INDEX orders_by_store ON orders (store, id) WHERE store IS NOT NULL;
DROP INDEX notices_due;
CREATE INDEX notices_due ON notices (next_try_at) WHERE sending = 'WAITING';
