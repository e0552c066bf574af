//! The request and the answer.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Kubernetes cuts warnings that are longer, and all of them together at 4,096 bytes.
const MAX_WARNING: usize = 256;
const MAX_WARNINGS: usize = 16;

/// A request for admission.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// What the answer must carry.
    pub uid: String,
    /// The cluster that asks, by the name that the address has; `None` where none does.
    pub cluster: Option<String>,
    /// The group of the object's kind; empty for the core group.
    pub group: String,
    /// The object's kind.
    pub kind: String,
    /// The sub-resource, such as `ephemeralcontainers`; empty for the object itself.
    pub sub_resource: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// The namespace; empty for what has none.
    pub namespace: String,
    /// The namespace's labels. No request holds them; admission adds them where it may ask for them.
    pub namespace_labels: BTreeMap<String, String>,
    /// Who asks.
    pub user: String,
    /// The groups of who asks.
    pub groups: Vec<String>,
    /// Whether nothing may be changed by it.
    pub dry_run: bool,
    /// The object as it will be.
    pub object: Value,
    /// The object as it is.
    pub old_object: Value,
}

/// A body is no admission review of version 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no AdmissionReview of admission.k8s.io/v1: {0}")]
pub struct InvalidReview(pub String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    kind: Kind,
    #[serde(default)]
    sub_resource: Option<String>,
    operation: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    user_info: UserInfo,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    kind: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UserInfo {
    username: String,
    groups: Vec<String>,
}

impl Review {
    /// Reads a request.
    ///
    /// # Errors
    /// Fails when it is none of this version.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidReview> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| InvalidReview(error.to_string()))?;
        if document.api_version != "admission.k8s.io/v1" || document.kind != "AdmissionReview" {
            return Err(InvalidReview("its apiVersion or kind is another".to_owned()));
        }
        let request = document.request;
        Ok(Self {
            uid: request.uid,
            cluster: None,
            group: request.kind.group,
            kind: request.kind.kind,
            sub_resource: request.sub_resource.unwrap_or_default(),
            operation: request.operation,
            namespace: request.namespace.unwrap_or_default(),
            namespace_labels: BTreeMap::new(),
            user: request.user_info.username,
            groups: request.user_info.groups,
            dry_run: request.dry_run.unwrap_or_default(),
            object: request.object,
            old_object: request.old_object,
        })
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Why it is denied; nothing when it is allowed.
    pub denied: Vec<String>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
    /// What goes into the cluster's audit log: name and value.
    pub audit: Vec<(String, String)>,
    /// What is to be changed: JSON pointer and new value.
    pub replacements: Vec<(String, String)>,
    /// In how many seconds to ask again, when the only reason for the denial is that there is too much to do.
    pub retry_after: Option<u32>,
}

impl Answer {
    /// Says whether it is allowed.
    pub fn allowed(&self) -> bool {
        self.denied.is_empty()
    }

    /// Returns the JSON of the answer to the request with that uid.
    pub fn document(&self, uid: &str) -> Value {
        let mut response = json!({ "uid": uid, "allowed": self.allowed() });
        let Some(fields) = response.as_object_mut() else { return response };
        if !self.allowed() {
            let message = self.denied.join("; ");
            // The API server hands this on to who asked, with the header `Retry-After`.
            let status = match self.retry_after {
                Some(seconds) => json!({
                    "code": 429, "reason": "TooManyRequests", "message": message,
                    "details": { "retryAfterSeconds": seconds },
                }),
                None => json!({ "code": 403, "message": message }),
            };
            fields.insert("status".to_owned(), status);
        }
        if !self.warnings.is_empty() {
            let warnings: Vec<String> =
                self.warnings.iter().take(MAX_WARNINGS).map(|warning| shorten(warning)).collect();
            fields.insert("warnings".to_owned(), json!(warnings));
        }
        if !self.audit.is_empty() {
            let audit: serde_json::Map<String, Value> =
                self.audit.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            fields.insert("auditAnnotations".to_owned(), Value::Object(audit));
        }
        if self.allowed() && !self.replacements.is_empty() {
            let patch: Vec<Value> = self
                .replacements
                .iter()
                .map(|(path, value)| json!({ "op": "replace", "path": path, "value": value }))
                .collect();
            let patch = base64::engine::general_purpose::STANDARD.encode(Value::Array(patch).to_string());
            fields.insert("patchType".to_owned(), json!("JSONPatch"));
            fields.insert("patch".to_owned(), json!(patch));
        }
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
    }
}

fn shorten(text: &str) -> String {
    let mut end = text.len().min(MAX_WARNING);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_version_one_is_read() {
        let review = |version: &str, kind: &str| {
            let text = json!({ "apiVersion": version, "kind": kind, "request": {
                "uid": "1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE" } });
            Review::parse(text.to_string().as_bytes()).is_ok()
        };
        assert!(review("admission.k8s.io/v1", "AdmissionReview"));
        assert!(!review("admission.k8s.io/v1beta1", "AdmissionReview"));
        assert!(!review("admission.k8s.io/v1", "Pod"));
    }

    #[test]
    fn denials_change_nothing_and_warnings_are_short() {
        let mut answer = Answer {
            replacements: vec![("/spec/x".to_owned(), "y".to_owned())],
            warnings: vec!["ä".repeat(200)],
            ..Answer::default()
        };
        let document = answer.document("7");
        assert_eq!(document["response"]["uid"], "7");
        assert_eq!(document["response"]["patchType"], "JSONPatch");
        assert_eq!(document["response"]["warnings"][0], "ä".repeat(128));
        answer.denied.push("no".to_owned());
        let document = answer.document("7");
        assert_eq!(document["response"]["allowed"], false);
        assert!(document["response"].get("patch").is_none());
        assert_eq!(document["response"]["status"]["message"], "no");
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>) {
            let _ = Review::parse(&body);
        }
    }
}
