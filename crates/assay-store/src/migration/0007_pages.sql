-- Who is signed in at the pages, and indexes for their counts: findings that are open, and findings by the day on which they came or went.
CREATE TABLE sessions (
    id {id},
    hash TEXT NOT NULL UNIQUE,
    token BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_of_token ON sessions (token, id);
CREATE INDEX sessions_expire ON sessions (expires);

CREATE INDEX findings_open ON findings (severity, rule, image) WHERE gone_at IS NULL AND suppressed = 0;
CREATE INDEX findings_came ON findings (first_seen, severity) WHERE suppressed = 0;
CREATE INDEX findings_went ON findings (gone_at, severity) WHERE gone_at IS NOT NULL AND suppressed = 0;
CREATE INDEX events_of_kind ON events (kind, id);
CREATE INDEX jobs_of_state ON jobs (state, id);
