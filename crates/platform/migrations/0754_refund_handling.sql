-- Where a refund goes that the wallet which paid cannot take any more.
ALTER TABLE refunds ADD COLUMN to_wallet TEXT;
-- Why its merchant gave up a refund, in its words.
ALTER TABLE refunds ADD COLUMN close_reason TEXT;
