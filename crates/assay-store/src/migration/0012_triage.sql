-- What people decided about findings, which outlives rescans and new digests; and in which images a file is, by its digest.
CREATE TABLE triage (
    id {id},
    subject TEXT NOT NULL,
    advisory TEXT NOT NULL,
    package TEXT NOT NULL,
    digest TEXT NOT NULL,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided BIGINT NOT NULL,
    expires BIGINT,
    ended BIGINT,
    ending TEXT
);
-- One decision that is in effect about the same: a new one takes the place of the one before.
CREATE UNIQUE INDEX triage_in_effect ON triage (subject) WHERE ended IS NULL;
CREATE INDEX triage_about ON triage (advisory, registry, repository, digest) WHERE ended IS NULL;
CREATE INDEX triage_expires ON triage (expires) WHERE ended IS NULL;
CREATE INDEX triage_decided ON triage (decided);

-- A path with its content is one row, however many images have it: images of one family share most of their files.
CREATE TABLE files (
    id {id},
    sha256 {bytes} NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (sha256, path)
);

CREATE TABLE image_files (
    file BIGINT NOT NULL REFERENCES files (id),
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    PRIMARY KEY (file, image)
);
CREATE INDEX image_files_of_image ON image_files (image);

-- NULL: nobody has looked at the files. 0: all that are indexed are here. 1: there are more than are kept.
ALTER TABLE images ADD COLUMN files_left_out BIGINT;
