-- Who is told of events: how far, by which process, and what not to repeat.
CREATE TABLE sinks (
    name TEXT NOT NULL PRIMARY KEY,
    after BIGINT NOT NULL,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    retry_at BIGINT NOT NULL DEFAULT 0,
    error TEXT
);

CREATE TABLE told (
    sink TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (sink, subject)
);
CREATE INDEX told_at ON told (at);
