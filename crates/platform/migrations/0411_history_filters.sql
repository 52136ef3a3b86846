-- The history also holds the institutions' accounts (their vaults and issuances), under the account's
-- number written like a wallet's id. The follower `history` reads the journal once more from its first record
-- and adds what is missing; rows that are there stay.
DELETE FROM cursors WHERE follower = 'history';

-- A time is turned into a place of the journal before the tables are asked, so nothing looks for `at`.
DROP INDEX movements_by_time;
-- Every filter finds its rows, newest first, without passing those it does not want.
CREATE INDEX movements_by_direction ON movements (wallet, direction, seq);
CREATE INDEX movements_by_kind_and_direction ON movements (wallet, kind, direction, seq);
CREATE INDEX movements_by_amount ON movements (wallet, amount, seq);
-- The sums of a statement, from the index alone.
CREATE INDEX movements_sums ON movements (wallet, seq, kind, direction, amount);
DROP INDEX movements_by_transaction;
CREATE INDEX movements_by_transaction ON movements (transaction_no, wallet, seq);
