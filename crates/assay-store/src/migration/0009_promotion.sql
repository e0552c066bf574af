-- What was carried to release repositories, by whom and by which verdict; what became of each tag of an incoming repository; when
-- images were last pulled, and when what is done from time to time was last done.
CREATE TABLE promotions (
    id {id},
    source_registry TEXT NOT NULL,
    source_repository TEXT NOT NULL,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    verdict TEXT NOT NULL,
    policy TEXT NOT NULL,
    started BIGINT NOT NULL,
    finished BIGINT,
    moved_to TEXT
);
CREATE INDEX promotions_of_tag ON promotions (registry, repository, tag, id);
CREATE UNIQUE INDEX promotions_open ON promotions (registry, repository, tag, digest) WHERE finished IS NULL;

CREATE TABLE candidates (
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    target TEXT NOT NULL,
    digest TEXT NOT NULL,
    generation BIGINT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    looked BIGINT NOT NULL,
    PRIMARY KEY (registry, repository, tag, target)
);

CREATE TABLE pulls (
    image BIGINT NOT NULL PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    last_pulled BIGINT NOT NULL
);

CREATE TABLE looks (
    name TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
