-- What an order says of what is sold and where, and the token of its cashier page.
ALTER TABLE orders ADD COLUMN terminal TEXT;
-- Lines of goods, JSON as the merchant sent them.
ALTER TABLE orders ADD COLUMN goods_detail TEXT;
ALTER TABLE orders ADD COLUMN return_url TEXT;
-- Whoever holds it sees the order without signing in. Orders that nobody scans have none.
ALTER TABLE orders ADD COLUMN cashier TEXT;
CREATE UNIQUE INDEX orders_by_cashier ON orders (cashier);

-- The meter that an attempt charges besides the wallet's, and what sort of limit that is. Older rows
-- name a mandate in `mandate` instead, whose number is its meter.
ALTER TABLE payments ADD COLUMN meter TEXT;
ALTER TABLE payments ADD COLUMN limited_by TEXT;

-- The code of what the last attempt to pay an order met.
ALTER TABLE orders ADD COLUMN pay_problem TEXT;
-- When the payer of a code was asked for the PIN.
ALTER TABLE orders ADD COLUMN asked_at BIGINT;
