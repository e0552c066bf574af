-- Images, what was found in them, and the work to do. `{id}` and `{bytes}` stand for what the two databases call differently.
CREATE TABLE images (
    id {id},
    digest TEXT NOT NULL UNIQUE,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);
CREATE INDEX images_of_repository ON images (registry, repository);
CREATE INDEX images_last_seen ON images (last_seen);

CREATE TABLE tags (
    id {id},
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);
CREATE INDEX tags_of_name ON tags (registry, repository, tag, id);
CREATE INDEX tags_of_image ON tags (image);

CREATE TABLE deployments (
    id {id},
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    image BIGINT NOT NULL REFERENCES images (id),
    since BIGINT NOT NULL,
    ended BIGINT,
    good BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX deployments_of_service ON deployments (environment, service, id);
CREATE INDEX deployments_of_image ON deployments (image);

CREATE TABLE reports (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    depth TEXT NOT NULL,
    database_date BIGINT NOT NULL,
    created BIGINT NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (image, depth)
);

CREATE TABLE inventories (
    image BIGINT NOT NULL PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    revision BIGINT NOT NULL,
    body {bytes} NOT NULL
);

CREATE TABLE packages (
    id {id},
    ecosystem TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (name, ecosystem)
);

CREATE TABLE image_packages (
    package BIGINT NOT NULL REFERENCES packages (id),
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    PRIMARY KEY (package, image, version)
);
CREATE INDEX image_packages_of_image ON image_packages (image);

CREATE TABLE findings (
    id {id},
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    priority TEXT,
    package TEXT,
    version TEXT,
    fix TEXT NOT NULL,
    fixed_versions TEXT NOT NULL,
    suppressed BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    gone_at BIGINT,
    reopened BIGINT NOT NULL DEFAULT 0,
    UNIQUE (image, fingerprint)
);

CREATE TABLE finding_names (
    name TEXT NOT NULL,
    finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    PRIMARY KEY (name, finding)
);
CREATE INDEX finding_names_of_finding ON finding_names (finding);

CREATE TABLE sboms (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    format TEXT NOT NULL,
    created BIGINT NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (image, format)
);

CREATE TABLE evidence (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    gone_at BIGINT,
    PRIMARY KEY (image, digest)
);

CREATE TABLE verdicts (
    image BIGINT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    policy TEXT NOT NULL,
    tier TEXT NOT NULL,
    verdict TEXT NOT NULL,
    detail {bytes} NOT NULL,
    inputs TEXT NOT NULL,
    decided BIGINT NOT NULL,
    expires BIGINT,
    PRIMARY KEY (image, policy, tier)
);

CREATE TABLE events (
    id {id},
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX events_of_digest ON events (digest, id);

CREATE TABLE builds (
    id {id},
    digest TEXT NOT NULL,
    recipe TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outcome TEXT NOT NULL,
    started BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    log {bytes} NOT NULL
);
CREATE INDEX builds_of_digest ON builds (digest);

CREATE TABLE jobs (
    id {id},
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    registry TEXT NOT NULL,
    payload TEXT NOT NULL,
    priority BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    worker TEXT,
    lease_until BIGINT,
    started BIGINT,
    finished BIGINT,
    error TEXT
);
-- One job that is still to be done per kind and name: this is what makes a second push of a digest cost nothing.
CREATE UNIQUE INDEX jobs_open ON jobs (kind, name) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_next ON jobs (state, priority, run_at, id);
