-- What is attached to images. Nothing was recorded of it so far, so that the table of version 1, which did not tell repositories apart, holds
-- nothing. `evidence` is the history of single pieces; `gathered` is all that was found when a repository was last asked, to be judged.
DROP TABLE evidence;
CREATE TABLE evidence (
    id {id},
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    gone_at BIGINT,
    UNIQUE (image, registry, repository, digest)
);

CREATE TABLE gathered (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    asked BIGINT NOT NULL,
    tried BIGINT NOT NULL,
    failing BIGINT,
    error TEXT,
    body {bytes},
    PRIMARY KEY (image, registry, repository)
);
CREATE INDEX gathered_tried ON gathered (tried);
CREATE INDEX gathered_failing ON gathered (failing);
