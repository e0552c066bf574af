//! Samples of the rules in `secret/generic.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "secret-assignment",
        hits: &[
            "ACME_API_KEY=<a:32>",
            "  \"clientSecret\": \"<a:40>\",",
            "access_token: <w:40>",
            "<accessKey><a:24></accessKey>",
            "deploy --api-key <a:40>",
        ],
        misses: &[
            "ACME_API_KEY=<a:12>",
            "public_key = \"<a:40>\"",
            "integrity = \"<a:40>\"",
            "api_key = os.environ['ACME_API_KEY_FOR_2024']",
            "token_type = \"<a:40>\"",
            "api_key = \"some_function_name_2024\"",
            "secret_id = \"<uuid>\"",
            "colour = \"<a:40>\"",
            "api_key: ${<a:20>}",
        ],
    },
    Sample {
        rule: "password-assignment",
        hits: &[
            "password=<a:10>x7",
            "DB_PASSWORD: 'q<a:8>!4'",
            "jdbc:mysql://db/app?user=app&password=k<a:9>3&ssl=true",
            "<password>z<a:9>5</password>",
            "Server=db;Uid=app;Pwd=h<a:9>2;",
        ],
        misses: &[
            "password=changeit",
            "password: ${DB_PASSWORD}",
            "password = getpass()",
            "password_file=/run/secrets/db<d:4>",
            "password: <your password>",
            "the password is <a:10>",
            "password: 'Passw0rd'",
        ],
    },
];
