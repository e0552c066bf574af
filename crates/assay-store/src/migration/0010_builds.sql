-- How images were built and where they run, as CI tells, and documents that are kept outside of their rows. A row with an object has
-- an empty body.
ALTER TABLE builds ADD COLUMN image TEXT NOT NULL DEFAULT '';
ALTER TABLE builds ADD COLUMN platform TEXT NOT NULL DEFAULT '';
ALTER TABLE builds ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE builds ADD COLUMN invocation TEXT NOT NULL DEFAULT '';
-- The hash of everything the image was made from; empty where that is not known, and then it is compared with no other.
ALTER TABLE builds ADD COLUMN given TEXT NOT NULL DEFAULT '';
-- The hash of the whole record: what is sent twice is one build.
ALTER TABLE builds ADD COLUMN identity TEXT;
ALTER TABLE builds ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN recorder TEXT NOT NULL DEFAULT '';
ALTER TABLE builds ADD COLUMN log_size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN object TEXT;
UPDATE builds SET recorded = started;
CREATE UNIQUE INDEX builds_once ON builds (identity);
CREATE INDEX builds_given ON builds (given, started);
CREATE INDEX builds_started ON builds (started);
CREATE INDEX builds_object ON builds (object);

ALTER TABLE deployments ADD COLUMN owner TEXT;
ALTER TABLE deployments ADD COLUMN team TEXT;
CREATE INDEX deployments_running ON deployments (environment, service) WHERE ended IS NULL;
CREATE INDEX deployments_since ON deployments (since);

-- Why an image is kept however long ago it was seen, if it is for a reason that no other table tells.
ALTER TABLE images ADD COLUMN kept TEXT;

ALTER TABLE sboms ADD COLUMN score BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sboms ADD COLUMN packages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sboms ADD COLUMN object TEXT;
CREATE INDEX sboms_object ON sboms (object);

ALTER TABLE reports ADD COLUMN object TEXT;
CREATE INDEX reports_object ON reports (object);
ALTER TABLE inventories ADD COLUMN object TEXT;
CREATE INDEX inventories_object ON inventories (object);

-- What is in object storage, and what is about to be: every object has its row before it is written, and until it is gone.
CREATE TABLE objects (
    name TEXT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    size BIGINT NOT NULL,
    stored BIGINT NOT NULL DEFAULT 0,
    -- Since when it is seen that no row refers to it, and since when somebody is removing it.
    idle BIGINT,
    doomed BIGINT
);
CREATE INDEX objects_idle ON objects (idle);
