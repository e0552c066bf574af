-- The images of an index: what an image made for several platforms consists of.
CREATE TABLE children (
    parent BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    child BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    platform TEXT NOT NULL,
    PRIMARY KEY (parent, child)
);
CREATE INDEX children_of_child ON children (child);
