//! Spans as OTLP has them in JSON: identifiers are hexadecimal, and numbers of 64 bits are texts.

use super::{Span, SpanKind};
use assay_store::Moment;
use serde_json::{Value, json};

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// Writes one request for these spans.
pub(super) fn write(spans: &[Span], instance: &str) -> Value {
    let resource = [
        ("service.name", "assay"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance),
    ];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource.map(|(name, value)| attribute(name, value)) },
        "scopeSpans": [{ "scope": { "name": "assay" }, "spans": spans.iter().map(span).collect::<Vec<_>>() }],
    }] })
}

fn span(span: &Span) -> Value {
    let mut document = json!({
        "traceId": hex(&span.context.trace),
        "spanId": hex(&span.context.span),
        "name": span.name,
        "kind": match span.kind { SpanKind::Internal => 1, SpanKind::Server => 2, SpanKind::Consumer => 5 },
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(span.end.max(span.start)),
        "attributes": span.attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
    });
    if let Some(object) = document.as_object_mut() {
        if let Some(parent) = &span.parent {
            object.insert("parentSpanId".to_owned(), hex(parent).into());
        }
        if let Some(error) = &span.error {
            object.insert("status".to_owned(), json!({ "code": ERROR, "message": error }));
        }
    }
    document
}

/// Writes an attribute. Those that the conventions have as numbers are numbers.
fn attribute(name: &str, value: &str) -> Value {
    let is_number = matches!(name, "http.response.status_code" | "assay.job.attempt");
    if is_number && value.parse::<i64>().is_ok() {
        return json!({ "key": name, "value": { "intValue": value } });
    }
    json!({ "key": name, "value": { "stringValue": value } })
}

fn nanoseconds(moment: Moment) -> String {
    moment.0.max(0).saturating_mul(1_000_000).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Context;
    use super::*;

    #[test]
    fn spans_are_written_as_the_protocol_has_them_in_json() {
        let span = Span {
            context: Context { trace: [1; 16], span: [2; 8] },
            parent: Some([3; 8]),
            name: "GET /metrics".to_owned(),
            kind: SpanKind::Server,
            start: Moment(1_700_000_000_123),
            end: Moment(1),
            attributes: vec![
                ("http.response.status_code", "503".to_owned()),
                ("http.route", "/metrics".to_owned()),
            ],
            error: Some("503".to_owned()),
        };
        let document = write(&[span], "host 7");
        let text = |name: &str, value: &str| json!({ "key": name, "value": { "stringValue": value } });
        let version = env!("CARGO_PKG_VERSION");
        let want = json!({ "resourceSpans": [{
            "resource": { "attributes": [
                text("service.name", "assay"), text("service.version", version), text("service.instance.id", "host 7")] },
            "scopeSpans": [{ "scope": { "name": "assay" }, "spans": [{
                "traceId": "01010101010101010101010101010101",
                "spanId": "0202020202020202",
                "parentSpanId": "0303030303030303",
                "name": "GET /metrics",
                "kind": 2,
                // A clock that was put back makes no span that ends before it begins.
                "startTimeUnixNano": "1700000000123000000",
                "endTimeUnixNano": "1700000000123000000",
                "attributes": [
                    { "key": "http.response.status_code", "value": { "intValue": "503" } },
                    text("http.route", "/metrics")],
                "status": { "code": 2, "message": "503" },
            }] }],
        }] });
        assert_eq!(document, want);
    }
}
