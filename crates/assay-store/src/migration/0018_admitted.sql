-- What was admitted in which cluster, so that what runs already is not in its own way while a scan is waited for. Neither image nor
-- verdict is referred to: it must be known also when both were forgotten.
CREATE TABLE admitted (
    id {id},
    name TEXT NOT NULL,
    cluster TEXT NOT NULL,
    namespace TEXT NOT NULL,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    tiers TEXT NOT NULL,
    policy TEXT NOT NULL,
    placement TEXT NOT NULL,
    generation BIGINT NOT NULL,
    since BIGINT NOT NULL,
    last BIGINT NOT NULL,
    checked BIGINT NOT NULL,
    stale BIGINT,
    why TEXT,
    UNIQUE (digest, name)
);
CREATE INDEX admitted_checked ON admitted (checked);
CREATE INDEX admitted_stale ON admitted (stale);

-- What images are built on: each by the chain of its layers, with the chains of their beginnings; and how many packages could go.
ALTER TABLE images ADD COLUMN image_id TEXT;
ALTER TABLE images ADD COLUMN platform TEXT;
ALTER TABLE images ADD COLUMN chain TEXT;
ALTER TABLE images ADD COLUMN chains TEXT;
ALTER TABLE images ADD COLUMN removable BIGINT;
CREATE INDEX images_chain ON images (chain);
