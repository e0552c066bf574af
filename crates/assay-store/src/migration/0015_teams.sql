-- Who answers for which repositories, so that lists can be of those of some teams; which teams tokens and logins are bound to; and which
-- repository an event names.
CREATE TABLE repositories (
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    owner TEXT,
    PRIMARY KEY (registry, repository)
);
CREATE INDEX repositories_of_owner ON repositories (owner, registry, repository);

-- Repositories that nobody has looked up the owner of yet. No row excludes another: whoever sees an image waits for nobody.
CREATE TABLE new_repositories (
    id {id},
    registry TEXT NOT NULL,
    repository TEXT NOT NULL
);
INSERT INTO new_repositories (registry, repository) SELECT DISTINCT registry, repository FROM image_places;

CREATE INDEX image_places_in ON image_places (registry, repository, image);

-- A list as JSON; NULL where there is no bound.
ALTER TABLE tokens ADD COLUMN teams TEXT;
ALTER TABLE logins ADD COLUMN teams TEXT;

-- NULL: it is not known whether the event names a repository. Empty: it names none.
ALTER TABLE events ADD COLUMN registry TEXT;
ALTER TABLE events ADD COLUMN repository TEXT;
