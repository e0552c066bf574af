//! The JSON schema of `assay.yaml`, for editors: <https://json-schema.org/draft/2020-12>.

#[cfg(test)]
mod tests {
    use super::super::accumulation::ACCUMULATION_KEYS;
    use super::super::licenses::LICENSE_KEYS;
    use super::super::read::{CONTEXT_KEYS, IMAGE_KEYS, SECTIONS, read};
    use assay_model::context::{Criticality, Environment, Exposure, Grade, Sensitivity};
    use serde_json::{Map, Value, json};

    const PUBLISHED: &str = include_str!("../../../../docs/schemas/assay.yaml.json");
    const EXAMPLE: &str = include_str!("../../../../docs/schemas/assay.example.yaml");

    fn words<T: Grade>(about: &str) -> (&'static str, Value) {
        let words: Vec<&str> = T::ALL.iter().map(|grade| grade.name()).collect();
        (T::KEY, json!({ "description": about, "enum": words }))
    }

    fn object(keys: &[&str], properties: Vec<(&str, Value)>, required: &[&str]) -> Value {
        let named: Vec<&str> = properties.iter().map(|(key, _)| *key).collect();
        assert_eq!(named, keys, "the schema has the keys that are read");
        let properties: Map<String, Value> =
            properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut object =
            json!({ "type": ["object", "null"], "additionalProperties": false, "properties": properties });
        if !required.is_empty() {
            object["required"] = json!(required);
            object["type"] = json!("object");
        }
        object
    }

    /// Makes the schema from the keys and words that are read.
    fn schema() -> Value {
        let word = |about: &str| json!({ "description": about, "type": "string", "pattern": "\\S" });
        let context = object(
            CONTEXT_KEYS,
            vec![
                words::<Environment>("Where it runs."),
                words::<Exposure>("Who can reach it."),
                words::<Sensitivity>("What data it handles."),
                words::<Criticality>("How much depends on it."),
                ("owner", word("Who answers for it.")),
            ],
            &[],
        );
        let image = object(
            IMAGE_KEYS,
            vec![
                ("match", word("Image references: * stands for any letters but /, ** for any at all.")),
                ("context", json!({ "$ref": "#/$defs/context" })),
            ],
            &["match"],
        );
        let names = |about: &str| json!({ "description": about, "type": ["array", "string"], "items": { "type": "string" } });
        let severities: Vec<&str> =
            assay_model::Severity::ALL.iter().map(|one| one.name()).chain(["ignore"]).collect();
        let classes: Map<String, Value> = assay_detect::license::Class::ALL
            .iter()
            .map(|class| (class.name().to_owned(), json!({ "enum": severities })))
            .collect();
        let licenses = object(
            LICENSE_KEYS,
            vec![
                ("allow", names("Licences that are never a finding, by SPDX identifier.")),
                ("deny", names("Licences that always are, unless another may be chosen.")),
                (
                    "classes",
                    json!({ "description": "How bad each class is.", "type": ["object", "null"],
                                    "additionalProperties": false, "properties": classes }),
                ),
                (
                    "system",
                    json!({ "description": "Whether packages of the distribution count.", "type": "boolean" }),
                ),
                ("project", word("The licence of the work itself, as an SPDX expression.")),
            ],
            &[],
        );
        let accumulation = object(
            ACCUMULATION_KEYS,
            vec![
                (
                    "medium",
                    json!({ "description": "How many open findings of medium severity are a finding of their own.",
                            "oneOf": [{ "type": "integer", "minimum": 1 }, { "const": "ignore" }] }),
                ),
                (
                    "unfixed",
                    json!({ "description": "Whether vulnerabilities without a fix count, too.", "type": "boolean" }),
                ),
            ],
            &[],
        );
        let mut schema = object(
            SECTIONS,
            vec![
                (
                    "context",
                    json!({ "$ref": "#/$defs/context", "description": "What holds for every image." }),
                ),
                (
                    "images",
                    json!({ "description": "What holds for some images; of several that match the strictest.",
                            "type": ["array", "null"], "items": image }),
                ),
                ("licenses", licenses),
                ("accumulation", accumulation),
            ],
            &[],
        );
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["title"] = json!("Settings of assay");
        schema["$defs"] = json!({ "context": context });
        schema
    }

    #[test]
    fn the_published_schema_is_that_of_what_is_read() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert_eq!(text, PUBLISHED, "put this into docs/schemas/assay.yaml.json:\n{text}");
    }

    #[test]
    fn the_published_example_is_accepted() {
        let config = read(EXAMPLE, "assay.yaml").unwrap();
        assert!(!config.context.is_empty() && config.images.len() > 1);
    }
}
