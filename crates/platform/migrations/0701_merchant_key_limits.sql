-- What a key may do and from where: NULL means everything, and from anywhere.
ALTER TABLE merchant_keys ADD COLUMN scopes TEXT;
ALTER TABLE merchant_keys ADD COLUMN addresses TEXT;
-- The key that takes its place; days before its end of which the merchant was warned last.
ALTER TABLE merchant_keys ADD COLUMN replaced_by TEXT;
ALTER TABLE merchant_keys ADD COLUMN warned_days BIGINT;
CREATE INDEX merchant_keys_by_end ON merchant_keys (valid_to);
