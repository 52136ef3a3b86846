-- What an applicant wants to connect and how much of it, JSON, sealed under the owner's own key.
ALTER TABLE applications ADD COLUMN requirements BLOB;
