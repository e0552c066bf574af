//! Which names are names of secrets: `api_key` is, `primary_key` and `token_type` are not.

/// What a name promises about the value assigned to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// Something else.
    Nothing,
    /// Perhaps a secret, if the value looks like one of a known provider: `key`, `auth`, `client_id`.
    Perhaps,
    /// A secret: `api_key`, `client_secret`, `access_token`.
    Secret,
    /// A password.
    Password,
}

/// Parts of names of passwords, in lower case and without separators.
const PASSWORDS: &[&str] = &["password", "passwd", "passwort", "passphrase", "pwd"];

/// Parts of names of secrets.
const SECRETS: &[&str] = &[
    "secret",
    "apikey",
    "accesskey",
    "authkey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "accountkey",
    "storagekey",
    "sharedkey",
    "accesstoken",
    "authtoken",
    "apitoken",
    "bearertoken",
    "refreshtoken",
    "sessiontoken",
    "token",
    "credential",
    "sharedaccesssignature",
    "licensekey",
    "authorization",
];

/// Parts of names that may be of secrets.
const PERHAPS: &[&str] = &[
    "key",
    "auth",
    "pat",
    "clientid",
    "accountid",
    "appid",
    "dsn",
    "cred",
    "pass",
    "accessid",
    "username",
    "webhook",
    "signature",
];

/// Ends of names of what only belongs to a secret.
const BESIDE: &[&str] = &[
    "name",
    "names",
    "file",
    "filename",
    "path",
    "dir",
    "url",
    "uri",
    "type",
    "types",
    "length",
    "len",
    "size",
    "count",
    "expiry",
    "expires",
    "expiration",
    "ttl",
    "prefix",
    "suffix",
    "header",
    "field",
    "label",
    "format",
    "version",
    "endpoint",
    "arn",
    "class",
    "provider",
    "manager",
    "store",
    "ref",
    "hash",
    "digest",
    "checksum",
    "sha256",
    "sha1",
    "md5",
    "hint",
    "help",
    "description",
    "regex",
    "pattern",
    "policy",
    "algorithm",
    "id",
    "ids",
    "kind",
    "mode",
    "enabled",
    "required",
    "handler",
    "callback",
    "fingerprint",
    "thumbprint",
    "revision",
    "limit",
    "index",
    "offset",
    "start",
    "end",
    "line",
    "salt",
    "used",
    "date",
    "time",
    "updatedat",
    "createdat",
    "changedat",
    "lastset",
    "encryption",
    "encoding",
    "strength",
    "rule",
    "rules",
    "validator",
    "validators",
    "reset",
    "change",
    "changed",
    "age",
    "min",
    "max",
    "check",
    "match",
    "confirmation",
    "attempts",
    "retries",
    "pool",
    "strategy",
    "service",
    "cmd",
    "command",
    "program",
    "source",
    "location",
    "factory",
    "generator",
    "keyspec",
    "iv",
    "nonce",
];

/// Parts of names that are of something public.
const PUBLIC: &[&str] = &[
    "public",
    "tokeniz",
    "keyword",
    "keyboard",
    "keycode",
    "csrf",
    "xsrf",
    "sitekey",
    "cachekey",
    "sortkey",
    "primarykey",
    "foreignkey",
    "partitionkey",
    "keymap",
    "keypath",
    "tokencount",
    "placeholder",
    "tokenid",
    "publishable",
    "rowkey",
    "gitlogtoken",
    "pagetoken",
    "requesttoken",
    "changetoken",
    "idempotency",
    "nexttoken",
    "continuationtoken",
    "integrity",
];

/// Returns what a name promises.
pub(crate) fn promise(name: &str) -> Promise {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let has = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    if has(PUBLIC) {
        return Promise::Nothing;
    }
    let beside = BESIDE.iter().any(|end| plain.ends_with(end));
    if has(PASSWORDS) {
        return if beside { Promise::Nothing } else { Promise::Password };
    }
    if has(SECRETS) && !beside {
        return Promise::Secret;
    }
    if has(PERHAPS) || has(SECRETS) {
        return Promise::Perhaps;
    }
    Promise::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_what_people_mean_by_them() {
        use Promise::*;
        for (name, want) in [
            ("DB_PASSWORD", Password),
            ("spring.datasource.password", Password),
            ("password_file", Nothing),
            ("API_KEY", Secret),
            ("clientSecret", Secret),
            ("--access-token", Secret),
            ("token_type", Perhaps),
            ("secretName", Perhaps),
            ("client_id", Perhaps),
            ("key", Perhaps),
            ("public_key", Nothing),
            ("tokenizer", Nothing),
            ("colour", Nothing),
        ] {
            assert_eq!(promise(name), want, "{name}");
        }
    }
}
