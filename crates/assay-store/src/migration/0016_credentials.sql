-- Credentials for registries: one for each registry or repository and purpose. What is secret of it is encrypted by the server, by a key that
-- the database never has; `sealed_by` names that key.
CREATE TABLE credentials (
    id {id},
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    sealed_by TEXT NOT NULL,
    sealed {bytes} NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    used BIGINT,
    UNIQUE (registry, repository, purpose)
);
