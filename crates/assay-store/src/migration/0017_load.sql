-- A page of a blast radius is read from an index alone, in the order of images: so the names of findings say which image they are of, and
-- whether the finding counts (it is there, and nothing suppresses it). `{keyed}` makes the primary key the table itself, where the database
-- can: of both tables there are hundreds of rows for each image, and one copy less of each.
CREATE TABLE named (
    name TEXT NOT NULL,
    counts BIGINT NOT NULL,
    image BIGINT NOT NULL,
    finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    PRIMARY KEY (name, counts, image, finding)
){keyed};
INSERT INTO named (name, counts, image, finding)
    SELECT n.name, CASE WHEN f.gone_at IS NULL AND f.suppressed = 0 THEN 1 ELSE 0 END, f.image, f.id
    FROM finding_names n JOIN findings f ON f.id = n.finding;
DROP TABLE finding_names;
ALTER TABLE named RENAME TO finding_names;
CREATE INDEX finding_names_of_finding ON finding_names (finding, name);

CREATE TABLE packaged (
    package BIGINT NOT NULL REFERENCES packages (id),
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    PRIMARY KEY (package, image, version)
){keyed};
INSERT INTO packaged (package, image, version) SELECT package, image, version FROM image_packages;
DROP TABLE image_packages;
ALTER TABLE packaged RENAME TO image_packages;
CREATE INDEX image_packages_of_image ON image_packages (image);

-- The newest images of a repository; the images that were seen in one; and of how many images the files are known.
DROP INDEX images_of_repository;
CREATE INDEX images_of_repository ON images (registry, repository, id);
CREATE INDEX image_places_of_repository ON image_places (repository, registry, image);
CREATE INDEX images_with_files ON images (files_left_out) WHERE files_left_out IS NOT NULL;

-- The hash of the packages under whose names an image stands in the index: most scans and every re-match find the same ones again.
ALTER TABLE images ADD COLUMN indexed TEXT;
