-- News that is to be told to somebody, until it was; alerts that somebody was told of and that are not over; and what is wrong with the
-- installation itself, so that of several processes one tells of it, once.
CREATE TABLE pending (
    id {id},
    sink TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    bundle TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    message TEXT,
    UNIQUE (sink, subject, state)
);

CREATE TABLE alerts (
    sink TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT,
    labels TEXT NOT NULL,
    summary TEXT NOT NULL,
    starts BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    PRIMARY KEY (sink, subject)
);
CREATE INDEX alerts_sent ON alerts (sink, sent);

CREATE TABLE conditions (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    since BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

-- How long a job waited, and what images are like: for the indicators.
ALTER TABLE jobs ADD COLUMN waited BIGINT;
ALTER TABLE images ADD COLUMN made BIGINT;
ALTER TABLE images ADD COLUMN size BIGINT;
ALTER TABLE images ADD COLUMN packages BIGINT;
