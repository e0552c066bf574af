//! Samples of the rules in `secret/azure.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "azure-entra-client-secret",
        hits: &["AZURE_CLIENT_SECRET=aB<d:1>8Q~<w:34>"],
        misses: &["aB<d:1>8Q~<w:12>"],
    },
    Sample {
        rule: "azure-storage-account-key",
        hits: &[
            "DefaultEndpointsProtocol=https;AccountName=data;AccountKey=<b:86>==;EndpointSuffix=core.windows.net",
        ],
        misses: &["AccountKey=<b:40>=="],
    },
    Sample {
        rule: "azure-storage-key",
        hits: &["key: <b:76>+ASt<b:6>=="],
        misses: &["key: <b:30>+ASt<b:6>=="],
    },
    Sample {
        rule: "azure-storage-key-assigned",
        hits: &["AZURE_STORAGE_KEY=<b:86>=="],
        misses: &["AZURE_STORAGE_KEY=<b:84>=="],
    },
    Sample {
        rule: "azure-cosmos-key",
        hits: &["AccountEndpoint=https://x.documents.azure.com;Key=<b:76>ACDb<b:6>=="],
        misses: &["<b:20>ACDb<b:6>=="],
    },
    Sample {
        rule: "azure-service-bus-key",
        hits: &["SharedAccessKey=<b:33>+ASb<b:6>=", "SharedAccessKey=<b:33>AIoT<b:6>="],
        misses: &["<b:10>+ASb<b:6>="],
    },
    Sample {
        rule: "azure-shared-access-key",
        hits: &["Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=<b:43>="],
        misses: &["SharedAccessKey=<b:20>="],
    },
    Sample {
        rule: "azure-app-config-connection-string",
        hits: &["Endpoint=https://shop.azconfig.io;Id=<b:8>:<a:20>;Secret=<b:43>="],
        misses: &["Endpoint=https://shop.azconfig.io;Id=a;Secret=<b:10>"],
    },
    Sample {
        rule: "azure-container-registry-password",
        hits: &["docker login -p <b:42>+ACRA<a:5>"],
        misses: &["<b:42>+ACRZ<a:5>"],
    },
    Sample {
        rule: "azure-container-registry-credential",
        hits: &["<a:52>JQQJ99<a:18>ACRA<a:4>"],
        misses: &["<a:30>JQQJ99<a:18>ACRA<a:4>"],
    },
    Sample {
        rule: "azure-devops-pat",
        hits: &["<a:52>JQQJ99<a:18>AZDO<a:4>"],
        misses: &["<a:52>JQQJ98<a:18>AZDO<a:4>"],
    },
    Sample {
        rule: "azure-devops-pat-legacy",
        hits: &["AZURE_DEVOPS_TOKEN=<q:52>"],
        misses: &["AZURE_DEVOPS_TOKEN=<q:51>", "OTHER_TOKEN=<q:52>"],
    },
    Sample {
        rule: "azure-ai-services-key",
        hits: &["<a:52>JQQJ99<a:18>ACOG<a:4>"],
        misses: &["<a:52>JQQJ99<a:18>ACO<a:4>"],
    },
    Sample {
        rule: "azure-service-key",
        hits: &["AZURE_KEY=<a:52>JQQJ99<a:26>"],
        misses: &["<a:52>JQQJ99<a:20>"],
    },
    Sample { rule: "azure-search-key", hits: &["<a:42>AzSeA<a:5>"], misses: &["<a:42>AzSeZ<a:5>"] },
    Sample {
        rule: "azure-functions-key",
        hits: &["https://x.azurewebsites.net/api/f?code=<w:44>AzFu<w:5>Q=="],
        misses: &["<w:44>AzFu<w:5>Z=="],
    },
    Sample {
        rule: "azure-sas-token",
        hits: &["https://x.blob.core.windows.net/c?sv=2024-05-04&ss=b&se=2030-01-01&sp=rw&sig=<b:43>%3D"],
        misses: &["https://x/c?a=b&sig=<b:20>"],
    },
    Sample {
        rule: "microsoft-teams-webhook",
        hits: &["https://acme.webhook.office.com/webhookb2/<uuid>@<uuid>/IncomingWebhook/<h:32>/<uuid>"],
        misses: &["https://acme.webhook.office.com/webhookb2/<uuid>"],
    },
];
