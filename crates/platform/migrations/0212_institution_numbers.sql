-- A bank's bulk accounts and transfers carry its number, so it is given once and never again.
ALTER TABLE institutions ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
UPDATE institutions SET number = (
    SELECT COUNT(*) FROM institutions AS older
    WHERE older.created_at < institutions.created_at
        OR (older.created_at = institutions.created_at AND older.id <= institutions.id)
);
CREATE UNIQUE INDEX institutions_number ON institutions (number);
