//! Samples of the rules in `secret/messaging.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample { rule: "slack-bot-token", hits: &["xoxb-<d:12>-<d:13>-<a:24>"], misses: &["xoxb-<d:12>-<a:10>"] },
    Sample { rule: "slack-legacy-bot-token", hits: &["xoxb-<d:12>-<a:24>"], misses: &["xoxb-<d:12>-<a:10>"] },
    Sample {
        rule: "slack-user-token",
        hits: &["xoxp-<d:12>-<d:12>-<d:12>-<h:32>"],
        misses: &["xoxp-<d:12>-<d:12>"],
    },
    Sample { rule: "slack-config-refresh-token", hits: &["xoxe-1-<u:146>"], misses: &["xoxe-1-<u:40>"] },
    Sample {
        rule: "slack-config-access-token",
        hits: &["xoxe.xoxp-1-<u:166>"],
        misses: &["xoxe.xoxp-1-<u:40>"],
    },
    Sample {
        rule: "slack-legacy-token",
        hits: &["xoxs-<d:11>-<d:11>-<d:11>-<h:10>"],
        misses: &["xoxs-<d:11>-<d:11>"],
    },
    Sample { rule: "slack-legacy-workspace-token", hits: &["xoxa-2-<a:40>"], misses: &["xoxa-2-<a:4>"] },
    Sample {
        rule: "slack-cookie-token",
        hits: &["xoxc-<d:12>-<d:12>-<d:12>-<h:64>"],
        misses: &["xoxc-<d:12>"],
    },
    Sample { rule: "slack-app-token", hits: &["xapp-1-A<u:10>-<d:13>-<h:64>"], misses: &["xapp-1-A<u:10>"] },
    Sample {
        rule: "slack-webhook-url",
        hits: &["https://hooks.slack.com/services/T<u:9>/B<u:9>/<a:24>"],
        misses: &["https://hooks.slack.com/services/T<u:9>/B<u:9>"],
    },
    Sample {
        rule: "discord-api-token",
        hits: &["DISCORD_TOKEN=<h:64>", "DISCORD_BOT_TOKEN=M<w:23>.<w:6>.<w:38>"],
        misses: &["DISCORD_TOKEN=<h:60>"],
    },
    Sample {
        rule: "discord-client-secret",
        hits: &["DISCORD_CLIENT_SECRET=<w:32>"],
        misses: &["DISCORD_CLIENT_SECRET=<w:30>"],
    },
    Sample {
        rule: "discord-client-id",
        hits: &["DISCORD_CLIENT_ID=<d:18>"],
        misses: &["DISCORD_CLIENT_ID=<d:12>"],
    },
    Sample {
        rule: "discord-webhook",
        hits: &["https://discord.com/api/webhooks/<d:18>/<w:68>"],
        misses: &["https://discord.com/api/webhooks/<d:18>"],
    },
    Sample {
        rule: "telegram-bot-api-token",
        hits: &["TELEGRAM=<n:9>:AA<w:33>"],
        misses: &["<n:9>:AA<w:20>"],
    },
    Sample {
        rule: "twilio-api-key",
        hits: &["TWILIO_API_KEY=SK<h:32>", "TWILIO_AUTH_TOKEN=<h:32>"],
        misses: &["TWILIO_AUTH_TOKEN=<h:31>"],
    },
    Sample { rule: "sendgrid-api-token", hits: &["SG.<w:22>.<w:43>"], misses: &["SG.<w:22>.<w:20>"] },
    Sample { rule: "sendinblue-api-token", hits: &["xkeysib-<h:64>-<a:16>"], misses: &["xkeysib-<h:64>"] },
    Sample {
        rule: "mailchimp-api-key",
        hits: &["MAILCHIMP_API_KEY=<h:32>-us12"],
        misses: &["MAILCHIMP_API_KEY=<h:32>-us"],
    },
    Sample {
        rule: "mailgun-private-api-token",
        hits: &["MAILGUN_API_KEY=key-<h:32>", r#"mailgun_token: "<h:32>-<h:8>-<h:8>""#],
        misses: &["MAILGUN_API_KEY=key-<h:30>"],
    },
    Sample {
        rule: "mailgun-pub-key",
        hits: &["MAILGUN_VALIDATION_KEY=pubkey-<h:32>"],
        misses: &["MAILGUN_VALIDATION_KEY=pubkey-<h:30>"],
    },
    Sample {
        rule: "mailgun-signing-key",
        hits: &["MAILGUN_SIGNING_KEY=<h:32>"],
        misses: &["MAILGUN_SIGNING_KEY=<h:31>"],
    },
    Sample {
        rule: "messagebird-api-token",
        hits: &["MESSAGEBIRD_API_KEY=<a:25>"],
        misses: &["MESSAGEBIRD_API_KEY=<a:24>"],
    },
    Sample {
        rule: "messagebird-client-id",
        hits: &["MESSAGEBIRD_CLIENT_ID=<uuid>"],
        misses: &["CLIENT_ID=<uuid>"],
    },
    Sample {
        rule: "sendbird-access-token",
        hits: &["SENDBIRD_API_TOKEN=<h:40>"],
        misses: &["SENDBIRD_API_TOKEN=<h:39>"],
    },
    Sample { rule: "sendbird-access-id", hits: &["SENDBIRD_APP_ID=<uuid>"], misses: &["APP_ID=<uuid>"] },
    Sample {
        rule: "mattermost-access-token",
        hits: &["MATTERMOST_TOKEN=<l:26>"],
        misses: &["MATTERMOST_TOKEN=<l:25>"],
    },
    Sample { rule: "gitter-access-token", hits: &["GITTER_TOKEN=<w:40>"], misses: &["GITTER_TOKEN=<w:39>"] },
    Sample {
        rule: "intercom-api-key",
        hits: &["INTERCOM_ACCESS_TOKEN=<a:59>="],
        misses: &["INTERCOM_ACCESS_TOKEN=<a:50>"],
    },
    Sample {
        rule: "intercom-client-secret",
        hits: &["INTERCOM_CLIENT_SECRET=<uuid>"],
        misses: &["CLIENT_SECRET=<uuid>"],
    },
    Sample {
        rule: "beamer-api-token",
        hits: &["BEAMER_API_KEY=b_<w:44>"],
        misses: &["BEAMER_API_KEY=b_<w:40>"],
    },
    Sample {
        rule: "zendesk-secret-key",
        hits: &["ZENDESK_API_TOKEN=<a:40>"],
        misses: &["ZENDESK_API_TOKEN=<a:39>"],
    },
];
