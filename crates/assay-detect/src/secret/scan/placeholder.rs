//! What only looks like a secret: placeholders, variables, and the example values of vendors' documentation.

/// Words that nobody's real secret has but by chance (four letters in forty random ones: one in 100,000), in lower case.
const WORDS: &[&[u8]] = &[
    b"example",
    b"sample",
    b"xxxx",
    b"your",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"change_me",
    b"dummy",
    b"redacted",
    b"insert",
    b"replace",
    b"fake",
    b"foobar",
    b"lorem",
    b"deadbeef",
    b"goes-here",
    b"goes_here",
    b"goeshere",
    b"not-a-",
    b"not_a_",
    b"notreal",
    b"my-secret",
    b"my_secret",
    b"mysecret",
    b"mytoken",
    b"my-token",
    b"my_token",
    b"myapikey",
    b"my_api",
    b"my-api",
    b"secret_key",
    b"secret-key",
    b"access_key",
    b"accesskey",
    b"api_key",
    b"api-key",
    b"password",
    b"token_here",
    b"some-",
    b"some_",
    b"abcdef",
    b"123456789",
    b"987654321",
    b"qwerty",
    b"asdfgh",
    b"todo",
    b"...",
    b"***",
    b"<",
    b"${",
    b"{{",
    b"$(",
    b"%(",
    b"#{",
    b"@@",
];

/// Published values, by the start of what is random in them: documentation, emulators, defaults that everybody has.
const PUBLISHED: &[&str] = &[
    // Azure Storage's emulator and Azure Cosmos DB's.
    "Eby8vdM02xNOcqFlqUwJPLlm",
    "C2y6yDjf5/R+ob0N8A7Cgv30",
    // Stripe's documentation.
    "4eC39HqLyjWDarjtT1zdp7dc",
    "BQokikJOvBiI2HlWgH4olfQ2",
    // The token of jwt.io: "sub":"1234567890","name":"John Doe".
    "eyJzdWIiOiIxMjM0NTY3ODkw",
    "SflKxwRJSMeKKF2QT4fwpMeJ",
    // RFC 7515, appendix A.
    "eyJpc3MiOiJqb2UiLA0KICJl",
    // RFC 7617: Aladdin.
    "QWxhZGRpbjpvcGVuIHNlc2Ft",
    // Amazon's documentation, where it does not say EXAMPLE.
    "je7MtGbClwBF/2Zp9Utk/h3y",
];

/// Returns whether the secret is one that nobody has to keep.
pub(crate) fn is_placeholder(secret: &[u8]) -> bool {
    let text = secret.get(..512).unwrap_or(secret);
    WORDS.iter().any(|word| has_word(text, word))
        || PUBLISHED.iter().any(|value| contains(text, value.as_bytes()))
        || is_repetitive(text)
}

/// Returns whether a word, given in lower case, is in a text as people write words: `word`, `WORD`, `Word`. Random letters are rarely
/// of one case for so long.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let upper = word.to_ascii_uppercase();
    let title: Vec<u8> = upper.iter().take(1).chain(word.iter().skip(1)).copied().collect();
    contains(text, word) || contains(text, &upper) || contains(text, &title)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Returns whether one character stands six times in a row, or one short group makes up half of it or more.
fn is_repetitive(text: &[u8]) -> bool {
    // Longer ones are encodings, in which zeros are ordinary.
    if text.len() > 100 {
        return false;
    }
    let mut row = 1_usize;
    for pair in text.windows(2) {
        row = if pair.first() == pair.last() { row + 1 } else { 1 };
        if row >= 6 {
            return true;
        }
    }
    (1..=4).any(|period| {
        let same = text.iter().zip(text.iter().skip(period)).filter(|(one, other)| one == other).count();
        text.len() >= 12 && same * 2 >= text.len()
    })
}

/// Values of passwords that are no more than a word for one, in lower case.
const WORDS_FOR_PASSWORDS: &[&str] = &[
    "pass",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "none",
    "null",
    "nil",
    "undefined",
    "empty",
    "true",
    "false",
    "required",
    "optional",
    "string",
    "value",
    "test",
    "user",
    "root",
    "admin",
    "prompt",
    "ask",
    "hidden",
    "mask",
    "text",
    "changeit",
    "foo",
    "bar",
    "baz",
    "hunter2",
    "letmein",
    "default",
    "disabled",
    "enabled",
    "yes",
    "auto",
    "file",
    "env",
    "vault",
    "encrypted",
    "plain",
    "token",
    "str",
    "bool",
    "any",
    "object",
    "function",
    "self",
    "username",
    "userpass",
    "user:pass",
    "mypass",
    "s3cret",
    "s3cr3t",
    "sekret",
    "pass123",
    "test123",
    "test1234",
    "admin123",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "abc123",
    "abcd1234",
    "p4ssw0rd",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "p@55w0rd",
    "pa55word",
    "oauth2",
    "x-oauth-basic",
    "x-token-auth",
    "oauth2",
    "x-oauth-basic",
    "x-token-auth",
    "pa$$word",
    "pa$$w0rd",
];

/// Returns whether a password is a word for one, a variable, a path or a piece of code.
pub(crate) fn is_no_password(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return true };
    let lower = text.to_ascii_lowercase();
    let plain = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    plain.len() < 4
        || WORDS_FOR_PASSWORDS.contains(&plain)
        || text.starts_with(['$', '%', '@', '/', '~', '[', '(', '{', '&', '*', '.', '!', '?'])
        || text.contains(['<', '>', '(', ')', '{', '}', '[', ']', '|', '\\', ' ', '`'])
        || text.contains("$")
        || text.contains("::")
        || text.contains("->")
        || text.contains("%s")
        || text.contains("://")
        || is_placeholder(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_secret_is_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "your-token-goes-here",
            "<API_KEY>",
            "${TOKEN}",
            "{{ .Values.token }}",
            "00000000000000000000",
            "abababababababababab",
            "0123456789abcdef",
            "sk_live_...",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["b7Qz0Lw4Hn8Rk2Vt6Yd1", "9f86d081884c7d659a2feaa0c55ad015", "7h1s1sN0tW0rdz"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn words_and_code_are_no_passwords() {
        for text in [
            "changeit",
            "$PASSWORD",
            "/run/secrets/db",
            "getpass()",
            "config.password",
            "abc",
            "'pass'",
            "%s",
            "Passw0rd",
        ] {
            assert!(is_no_password(text.as_bytes()), "{text}");
        }
        for text in ["Tr0ub4dor&3", "kX9#mQ2!", "vq7-Lm2-pz9"] {
            assert!(!is_no_password(text.as_bytes()), "{text}");
        }
    }
}
