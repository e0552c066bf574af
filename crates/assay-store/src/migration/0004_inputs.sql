-- What verdicts rest on: how often it changed, what can never be judged, by which database a report was last found to hold, in which
-- repositories an image can be had, and since when what was never scanned has been admitted.
ALTER TABLE images ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN refused TEXT;

ALTER TABLE reports ADD COLUMN evaluated BIGINT NOT NULL DEFAULT 0;
UPDATE reports SET evaluated = created;
CREATE INDEX reports_of_database ON reports (database_date);

CREATE TABLE image_places (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (image, registry, repository)
);
INSERT INTO image_places (image, registry, repository, last_seen)
    SELECT image, registry, repository, MAX(last_seen) FROM
    (SELECT id AS image, registry, repository, last_seen FROM images
     UNION ALL SELECT image, registry, repository, last_seen FROM tags) seen
    GROUP BY image, registry, repository;

-- What a vulnerability database says of itself, for the reports that hold by it.
CREATE TABLE databases (
    built BIGINT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
);

CREATE TABLE watched (
    name TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    ended BIGINT
);

CREATE INDEX verdicts_expire ON verdicts (expires);
-- Until now an index could hide an image from judgement by what its author wrote beside it.
DELETE FROM children;
DELETE FROM verdicts;
