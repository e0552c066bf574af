-- What crawls of registries list: when each repository was asked for, what came of it, and which of its tags were looked at or are gone.
CREATE TABLE crawls (
    id {id},
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    asked BIGINT NOT NULL,
    listed BIGINT,
    complete BIGINT NOT NULL DEFAULT 0,
    tags BIGINT NOT NULL DEFAULT 0,
    found BIGINT NOT NULL DEFAULT 0,
    gone BIGINT NOT NULL DEFAULT 0,
    UNIQUE (registry, repository)
);

CREATE TABLE listed_tags (
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    looked BIGINT NOT NULL,
    gone_at BIGINT,
    PRIMARY KEY (registry, repository, tag)
);
