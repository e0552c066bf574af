//! Microsoft: Azure keys, Entra secrets, signatures, DevOps tokens, Teams webhooks.
//!
//! Newer keys carry a signature of their kind at a fixed place, such as `+ASt` for storage
//! (<https://github.com/microsoft/security-utilities>).

use super::rule::{Find, SecretRule, TOKEN, VALUE};
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "azure-entra-client-secret",
        title: "Entra client secret",
        severity: Critical,
        find: Find::TextLiteral(&["Q~"]),
        pattern: "[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
        before: 4,
        entropy: 3.8,
        rotate: "delete the client secret of the application in Entra and make a new one",
        ..TOKEN
    },
    SecretRule {
        id: "azure-storage-account-key",
        title: "Azure storage account key",
        severity: Critical,
        find: Find::Literal(&["AccountKey=", "AccountKey%3D"]),
        pattern: "AccountKey(?:=|%3D)([A-Za-z0-9+/]{86}==)",
        rotate: "rotate the key of the storage account, first the one that is not in use",
        ..TOKEN
    },
    SecretRule {
        id: "azure-storage-key",
        title: "Azure storage key",
        severity: Critical,
        find: Find::Literal(&["+ASt"]),
        pattern: r"[A-Za-z0-9+/]{76}\+ASt[A-Za-z0-9+/]{6}==",
        before: 76,
        rotate: "rotate the key of the storage account, first the one that is not in use",
        ..TOKEN
    },
    SecretRule {
        id: "azure-storage-key-assigned",
        title: "Azure storage key",
        severity: Critical,
        find: Find::TextLiteral(&["zure", "ZURE"]),
        pattern: r#"(?i)zure[\w.-]{0,40}?key["'\]\\]{0,3}[ \t]{0,8}(?:=>|:=|[:=])[ \t]{0,8}\\?["']?([A-Za-z0-9+/]{86}==)"#,
        rotate: "rotate the key of the storage account, first the one that is not in use",
        ..TOKEN
    },
    SecretRule {
        id: "azure-cosmos-key",
        title: "Azure Cosmos DB key",
        severity: Critical,
        find: Find::Literal(&["ACDb"]),
        pattern: "[A-Za-z0-9+/]{76}ACDb[A-Za-z0-9+/]{6}==",
        before: 76,
        rotate: "regenerate the key of the Cosmos DB account",
        ..TOKEN
    },
    SecretRule {
        id: "azure-service-bus-key",
        title: "Azure Service Bus, Event Hubs or IoT key",
        severity: Critical,
        find: Find::Literal(&["+ASb", "+AEh", "AIoT"]),
        pattern: r"[A-Za-z0-9+/]{33}(?:\+ASb|\+AEh|AIoT)[A-Za-z0-9+/]{6}=",
        before: 33,
        rotate: "regenerate the key of the shared access policy",
        ..TOKEN
    },
    SecretRule {
        id: "azure-shared-access-key",
        title: "Azure shared access key",
        severity: Critical,
        find: Find::Literal(&["SharedAccessKey="]),
        pattern: "SharedAccessKey=([A-Za-z0-9+/]{43}=)",
        rotate: "regenerate the key of the shared access policy",
        ..TOKEN
    },
    SecretRule {
        id: "azure-app-config-connection-string",
        title: "Azure App Configuration connection string",
        severity: Critical,
        find: Find::Literal(&[".azconfig.io;Id="]),
        pattern: r"\.azconfig\.io;Id=[^;\s]{1,64};Secret=([A-Za-z0-9+/=]{40,100})",
        rotate: "regenerate the access key of the App Configuration store",
        ..TOKEN
    },
    SecretRule {
        id: "azure-container-registry-password",
        title: "Azure container registry password",
        severity: Critical,
        find: Find::Literal(&["+ACR"]),
        pattern: r"[A-Za-z0-9+/]{42}\+ACR[A-D][A-Za-z0-9]{5}",
        before: 42,
        rotate: "regenerate the password of the registry or of its token",
        ..TOKEN
    },
    SecretRule {
        id: "azure-container-registry-credential",
        title: "Azure container registry token",
        severity: Critical,
        find: Find::Literal(&["JQQJ99"]),
        pattern: "[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}ACR[A-Za-z0-9]{5}",
        before: 52,
        rotate: "regenerate the password of the registry or of its token",
        ..TOKEN
    },
    SecretRule {
        id: "azure-devops-pat",
        title: "Azure DevOps personal access token",
        severity: Critical,
        find: Find::Literal(&["AZDO"]),
        pattern: "[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}AZDO[A-Za-z0-9]{4}",
        before: 76,
        rotate: "revoke the token in Azure DevOps under user settings",
        ..TOKEN
    },
    SecretRule {
        id: "azure-devops-pat-legacy",
        title: "Azure DevOps personal access token",
        severity: Critical,
        find: Find::Assigned(&["azure", "devops", "ado", "vsts", "vso"]),
        pattern: "[a-z2-7]{52}",
        entropy: 4.0,
        rotate: "revoke the token in Azure DevOps under user settings",
        ..VALUE
    },
    SecretRule {
        id: "azure-ai-services-key",
        title: "Azure AI services key",
        severity: Critical,
        find: Find::Literal(&["JQQJ99"]),
        pattern: "[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}ACOG[A-Za-z0-9]{4}",
        before: 52,
        rotate: "regenerate the key of the AI services resource",
        ..TOKEN
    },
    SecretRule {
        id: "azure-service-key",
        title: "Azure service key",
        severity: Critical,
        find: Find::Literal(&["JQQJ99"]),
        pattern: "[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}",
        before: 52,
        rotate: "regenerate the key of the resource",
        ..TOKEN
    },
    SecretRule {
        id: "azure-search-key",
        title: "Azure AI search key",
        severity: Critical,
        find: Find::Literal(&["AzSe"]),
        pattern: "[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}",
        before: 42,
        rotate: "regenerate the key of the search service",
        ..TOKEN
    },
    SecretRule {
        id: "azure-functions-key",
        title: "Azure Functions key",
        severity: Critical,
        find: Find::Literal(&["AzFu"]),
        pattern: "[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{5}[AQgw]==",
        before: 44,
        rotate: "renew the key of the function app",
        ..TOKEN
    },
    SecretRule {
        id: "azure-sas-token",
        title: "Azure shared access signature",
        find: Find::TextLiteral(&["&sig=", "?sig="]),
        pattern: r#"[?&](?:sv|se|sp|sr|ss|st|spr)=[^\s"'<>]{1,400}&sig=([A-Za-z0-9%+/]{43,80}(?:%3D|=)?)"#,
        before: 400,
        rotate: "rotate the account key or the stored access policy that signed it",
        ..TOKEN
    },
    SecretRule {
        id: "microsoft-teams-webhook",
        title: "Microsoft Teams webhook",
        severity: Medium,
        find: Find::Literal(&[".webhook.office.com/webhook"]),
        pattern: r"https://[a-z0-9-]{1,64}\.webhook\.office\.com/webhookb?2?/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36}",
        before: 80,
        shown: 8,
        rotate: "remove the connector from the channel and make a new one",
        ..TOKEN
    },
];
