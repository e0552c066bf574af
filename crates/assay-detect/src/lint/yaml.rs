//! The documents of a stream of YAML. Damage in one costs only that one. Helm templates are no YAML.

pub(super) use assay_decode::yaml::{Node, Place, Value};

use assay_decode::yaml::{self, Bounds};
use assay_model::Warning;

/// Deeper than this no manifest is; schemas in custom resource definitions come close. The largest have about a tenth of the nodes.
const BOUNDS: Bounds = Bounds { depth: 64, nodes: 500_000 };

/// More documents than this are not read.
const MAX_DOCUMENTS: usize = 5_000;

/// Reads the documents of a stream; those that are damaged are warnings.
pub(super) fn documents(text: &str) -> (Vec<Node>, Vec<Warning>) {
    let mut documents = Vec::new();
    let mut warnings = Vec::new();
    for (count, document) in yaml::documents(text).into_iter().enumerate() {
        if count >= MAX_DOCUMENTS {
            let message = format!("it has more than {MAX_DOCUMENTS} documents");
            warnings.push(Warning::unscanned("too-many-documents", None, message));
            break;
        }
        match document.parse(BOUNDS) {
            Ok(node) => documents.push(node),
            Err(damage) => {
                let hint = if document.text().contains("{{") {
                    ": a template is rendered first, with `helm template`"
                } else {
                    ""
                };
                let message = format!("line {}: {}{hint}", damage.place.line.max(1), damage.message);
                warnings.push(Warning::unscanned("invalid-yaml", None, message));
            }
        }
    }
    (documents, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_costs_one_document() {
        let (documents, warnings) = documents("a: 1\n--- \nd: [\n---\ne: {{ .x }\n---\nf: 1\n");
        let told: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!((documents.len(), told.len()), (2, 2), "{told:?}");
        assert!(warnings.iter().all(|warning| warning.incomplete));
        assert!(told[0].starts_with("line 4") || told[0].starts_with("line 3"), "{told:?}");
        assert!(told[1].starts_with("line 5") && told[1].ends_with("`helm template`"), "{told:?}");
    }
}
