//! What the tests of all webhooks share.

use super::{Event, Webhook};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Puts a digest in the place of `DIGEST`.
pub(super) fn with_digest(body: &str) -> String {
    body.replace("DIGEST", &format!("sha256:{}", "ab".repeat(32)))
}

/// Reads an event and compares what it says: `HOST/REPOSITORY:TAG`, with `@` if it has a digest, or `refused`.
#[track_caller]
pub(super) fn check(webhook: &dyn Webhook, headers: &[(&'static str, &'static str)], body: &str, want: &str) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let body = with_digest(body);
    let got = match webhook.pushes(&Event { headers: &map, body: body.as_bytes() }) {
        Ok(pushes) => {
            let shown = pushes.iter().map(|push| {
                let (tag, digest) = (push.tag.as_deref().unwrap_or("-"), push.digest.map_or("", |_| "@"));
                format!("{}/{}:{tag}{digest}", push.registry, push.repository)
            });
            shown.collect::<Vec<_>>().join(" ")
        }
        Err(_) => "refused".to_owned(),
    };
    assert_eq!(got, want, "{body}");
}

/// Reads arbitrary bytes, and `body` cut off everywhere and with each value replaced by others: whatever comes is read or refused.
pub(super) fn total(webhook: &dyn Webhook, body: &str, noise: &[u8]) {
    let headers = HeaderMap::new();
    let read = |body: &[u8]| {
        let _ = webhook.pushes(&Event { headers: &headers, body });
        let _ = webhook.pulls(&Event { headers: &headers, body });
    };
    read(noise);
    let body = with_digest(body);
    for end in 0..body.len() {
        read(body.as_bytes().get(..end).unwrap_or_default());
    }
    let whole: serde_json::Value = serde_json::from_str(&body).unwrap();
    let others = [
        serde_json::Value::Null,
        serde_json::json!(-1),
        serde_json::json!([{}, []]),
        serde_json::json!({}),
        serde_json::json!("\u{0}/:@é"),
    ];
    let mut at = 0;
    loop {
        let mut reached = false;
        for other in &others {
            let (mut changed, mut left) = (whole.clone(), at);
            reached = replace(&mut changed, &mut left, other);
            read(changed.to_string().as_bytes());
        }
        if !reached {
            return;
        }
        at += 1;
    }
}

/// Replaces the value number `left`, counted through the whole tree.
fn replace(value: &mut serde_json::Value, left: &mut usize, other: &serde_json::Value) -> bool {
    if *left == 0 {
        *value = other.clone();
        return true;
    }
    *left -= 1;
    match value {
        serde_json::Value::Array(items) => items.iter_mut().any(|item| replace(item, left, other)),
        serde_json::Value::Object(items) => items.values_mut().any(|item| replace(item, left, other)),
        _ => false,
    }
}
