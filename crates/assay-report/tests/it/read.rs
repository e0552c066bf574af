//! A JSON report comes back, and gives every format the same bytes.

use crate::sample::{clean, report};
use crate::{options, render};
use assay_report::Options;
use assay_report::format::{FORMATS, TemplateText, read};

#[test]
fn a_report_that_was_kept_gives_every_format_what_the_scan_gave() {
    let text = "{{ report.findings | length }} {{ report.packages | map(attribute='purl') | join(' ') }}";
    let template = TemplateText { name: "t".into(), text: text.into() };
    let options = || Options { template: Some(template.clone()), ..options() };
    for report in [report(), clean()] {
        let json = render("json", &report, &options());
        let (kept, hidden) = read(json.as_bytes()).unwrap();
        assert_eq!(hidden, 0);
        for format in FORMATS {
            let (want, got) =
                (render(format.name(), &report, &options()), render(format.name(), &kept, &options()));
            assert_eq!(got, want, "{}", format.name());
        }
    }
}

#[test]
fn other_documents_are_refused() {
    let refused = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused("{"), "it is no report in JSON");
    assert_eq!(refused("{}"), "its schema is ``, not `assay.report/v1`");
    assert_eq!(
        refused(r#"{"schema":"assay.report/v2"}"#),
        "its schema is `assay.report/v2`, not `assay.report/v1`"
    );
    assert!(read(br#"{"schema":"assay.report/v1"}"#).is_ok());
}
