//! Messaging: Slack, Discord, Telegram, Twilio, mail services.
//!
//! Slack's tokens name their kind in the prefix (<https://api.slack.com/concepts/token-types>).

use super::rule::{Find, SecretRule, TOKEN, VALUE, never};
use assay_model::Severity::{Low, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "slack-bot-token",
        title: "Slack bot token",
        find: Find::Literal(&["xoxb-"]),
        pattern: "xoxb-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9-]{24,}",
        shown: 5,
        rotate: "revoke the token at api.slack.com, or reinstall the application",
        ..TOKEN
    },
    SecretRule {
        id: "slack-legacy-bot-token",
        title: "legacy Slack bot token",
        find: Find::Literal(&["xoxb-"]),
        pattern: "xoxb-[0-9]{8,14}-[A-Za-z0-9]{18,26}",
        shown: 5,
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-user-token",
        title: "Slack user token",
        find: Find::Literal(&["xoxp-", "xoxe-"]),
        pattern: "xox[pe](?:-[0-9]{10,13}){3}-[A-Za-z0-9-]{28,34}",
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-config-refresh-token",
        title: "Slack configuration refresh token",
        find: Find::Literal(&["xoxe-"]),
        pattern: r"xoxe-\d-[A-Za-z0-9]{140,170}",
        shown: 5,
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-config-access-token",
        title: "Slack configuration token",
        find: Find::Literal(&["xoxe.xox"]),
        pattern: r"xoxe\.xox[bp]-\d-[A-Za-z0-9]{140,180}",
        shown: 8,
        rotate: "it ends within 12 hours; revoke it at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-legacy-token",
        title: "legacy Slack token",
        find: Find::Literal(&["xoxo-", "xoxs-"]),
        pattern: r"xox[os]-\d{5,}-\d{5,}-\d{5,}-[a-fA-F0-9]{6,}",
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-legacy-workspace-token",
        title: "legacy Slack workspace token",
        find: Find::Literal(&["xoxa-", "xoxr-"]),
        pattern: r"xox[ar]-(?:\d-)?[0-9A-Za-z]{8,48}",
        entropy: 3.2,
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-cookie-token",
        title: "Slack browser token",
        find: Find::Literal(&["xoxc-", "xoxd-"]),
        pattern: "xox[cd]-[0-9A-Za-z%-]{30,}",
        rotate: "sign out of all sessions in Slack",
        ..TOKEN
    },
    SecretRule {
        id: "slack-app-token",
        title: "Slack app-level token",
        find: Find::Literal(&["xapp-"]),
        pattern: r"xapp-\d-[A-Z0-9]{9,13}-\d{10,14}-[a-z0-9]{40,80}",
        shown: 5,
        rotate: "revoke the token at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "slack-webhook-url",
        title: "Slack webhook",
        severity: Medium,
        find: Find::Literal(&["hooks.slack.com/"]),
        pattern: r"hooks\.slack\.com/(?:services/T[A-Za-z0-9]{8,12}/B[A-Za-z0-9]{8,12}/[A-Za-z0-9]{23,25}|(?:workflows|triggers)/[A-Za-z0-9+/]{43,60})",
        shown: 16,
        entropy: 3.0,
        rotate: "remove the webhook from the application at api.slack.com",
        ..TOKEN
    },
    SecretRule {
        id: "discord-api-token",
        title: "Discord bot token",
        find: Find::Assigned(&["discord"]),
        pattern: r"(?:[a-f0-9]{64}|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})",
        rotate: "reset the token in the Discord developer portal",
        ..VALUE
    },
    SecretRule {
        id: "discord-client-secret",
        title: "Discord client secret",
        find: Find::Assigned(&["discord"]),
        pattern: "[A-Za-z0-9_=-]{32}",
        rotate: "reset the secret in the Discord developer portal",
        ..VALUE
    },
    SecretRule {
        id: "discord-client-id",
        title: "Discord client identifier",
        severity: Low,
        find: Find::Assigned(&["discord"]),
        pattern: "[0-9]{18,19}",
        entropy: 2.0,
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "discord-webhook",
        title: "Discord webhook",
        severity: Medium,
        find: Find::Literal(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
        pattern: r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}",
        shown: 11,
        placeholder: never,
        rotate: "delete the webhook in the settings of the channel",
        ..TOKEN
    },
    SecretRule {
        id: "telegram-bot-api-token",
        title: "Telegram bot token",
        find: Find::TextLiteral(&[":AA"]),
        pattern: "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
        before: 10,
        entropy: 4.0,
        rotate: "revoke the token with @BotFather",
        ..TOKEN
    },
    SecretRule {
        id: "twilio-api-key",
        title: "Twilio API key",
        find: Find::Assigned(&["twilio"]),
        pattern: "(?:SK|AC)?[0-9a-f]{32}",
        rotate: "delete the key, or rotate the auth token, in the Twilio console",
        ..VALUE
    },
    SecretRule {
        id: "sendgrid-api-token",
        title: "SendGrid API key",
        find: Find::Start(&["SG."]),
        pattern: r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
        shown: 3,
        rotate: "delete the key in the SendGrid settings",
        ..TOKEN
    },
    SecretRule {
        id: "sendinblue-api-token",
        title: "Brevo API key",
        find: Find::Literal(&["xkeysib-"]),
        pattern: "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}",
        shown: 8,
        rotate: "delete the key in the Brevo settings",
        ..TOKEN
    },
    SecretRule {
        id: "mailchimp-api-key",
        title: "Mailchimp API key",
        find: Find::Assigned(&["mailchimp", "mandrill"]),
        pattern: r"[a-f0-9]{32}-us\d{1,2}",
        rotate: "disable the key in the Mailchimp account",
        ..VALUE
    },
    SecretRule {
        id: "mailgun-private-api-token",
        title: "Mailgun API key",
        find: Find::Assigned(&["mailgun"]),
        pattern: "(?:key-[a-f0-9]{32}|[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8})",
        rotate: "delete the key in the Mailgun settings",
        ..VALUE
    },
    SecretRule {
        id: "mailgun-pub-key",
        title: "Mailgun validation key",
        severity: Low,
        find: Find::Assigned(&["mailgun"]),
        pattern: "pubkey-[a-f0-9]{32}",
        rotate: "delete the key in the Mailgun settings",
        ..VALUE
    },
    SecretRule {
        id: "mailgun-signing-key",
        title: "Mailgun webhook signing key",
        severity: Medium,
        find: Find::Assigned(&["mailgun"]),
        pattern: "[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}|[a-h0-9]{32}",
        rotate: "regenerate the signing key in the Mailgun settings",
        ..VALUE
    },
    SecretRule {
        id: "messagebird-api-token",
        title: "Bird API key",
        find: Find::Assigned(&["messagebird", "message_bird", "message-bird"]),
        pattern: "[A-Za-z0-9]{25}",
        rotate: "delete the key in the Bird dashboard",
        ..VALUE
    },
    SecretRule {
        id: "messagebird-client-id",
        title: "Bird client identifier",
        severity: Low,
        find: Find::Assigned(&["messagebird", "message_bird", "message-bird"]),
        pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "delete the application in the Bird dashboard",
        ..VALUE
    },
    SecretRule {
        id: "sendbird-access-token",
        title: "Sendbird token",
        find: Find::Assigned(&["sendbird"]),
        pattern: "[a-f0-9]{40}",
        rotate: "revoke the token in the Sendbird dashboard",
        ..VALUE
    },
    SecretRule {
        id: "sendbird-access-id",
        title: "Sendbird application identifier",
        severity: Low,
        find: Find::Assigned(&["sendbird"]),
        pattern: "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "mattermost-access-token",
        title: "Mattermost token",
        find: Find::Assigned(&["mattermost"]),
        pattern: "[a-z0-9]{26}",
        rotate: "revoke the token in the Mattermost profile",
        ..VALUE
    },
    SecretRule {
        id: "gitter-access-token",
        title: "Gitter token",
        severity: Medium,
        find: Find::Assigned(&["gitter"]),
        pattern: "[A-Za-z0-9_-]{40}",
        rotate: "delete the token in the Gitter developer site",
        ..VALUE
    },
    SecretRule {
        id: "intercom-api-key",
        title: "Intercom access token",
        find: Find::Assigned(&["intercom"]),
        pattern: "[A-Za-z0-9=_-]{60}",
        rotate: "regenerate the token in the Intercom developer hub",
        ..VALUE
    },
    SecretRule {
        id: "intercom-client-secret",
        title: "Intercom client secret",
        find: Find::Assigned(&["intercom"]),
        pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "regenerate the secret in the Intercom developer hub",
        ..VALUE
    },
    SecretRule {
        id: "beamer-api-token",
        title: "Beamer API key",
        severity: Medium,
        find: Find::Assigned(&["beamer"]),
        pattern: "b_[A-Za-z0-9=_-]{44}",
        rotate: "regenerate the key in the Beamer settings",
        ..VALUE
    },
    SecretRule {
        id: "zendesk-secret-key",
        title: "Zendesk token",
        find: Find::Assigned(&["zendesk"]),
        pattern: "[A-Za-z0-9]{40}",
        rotate: "deactivate the token in the Zendesk admin centre",
        ..VALUE
    },
];
