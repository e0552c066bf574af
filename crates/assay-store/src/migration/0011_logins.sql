-- Who signed in by an identity provider, and who is about to.
CREATE TABLE logins (
    id {id},
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    terms TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX logins_of_name ON logins (name, id);
CREATE INDEX logins_expire ON logins (expires);

CREATE TABLE login_attempts (
    id {id},
    hash TEXT NOT NULL UNIQUE,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    wanted TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX login_attempts_expire ON login_attempts (expires);
