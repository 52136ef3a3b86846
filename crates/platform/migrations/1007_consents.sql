-- What a person agreed to beside what the service needs. Without a row everything is as at the beginning.
-- Whether others find the person by phone is in `people`, where it is looked up.
CREATE TABLE consents (
    person TEXT PRIMARY KEY,
    payment_alerts SMALLINT NOT NULL,
    sign_in_alerts SMALLINT NOT NULL,
    marketing SMALLINT NOT NULL,
    changed_at BIGINT NOT NULL
);
