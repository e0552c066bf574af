//! VEX in CycloneDX: vulnerabilities with an analysis, in a bill of materials or a document of their own
//! (<https://cyclonedx.org/capabilities/vex/>).
//!
//! What is affected is a component of the same document, or one of another by BOM-Link (`urn:cdx:serial/version#reference`), which means
//! nothing unless the reference is a package URL.

use super::product::{Identity, Product};
use super::{Heading, Justification, Statement, Status};
use crate::cyclonedx::model::{
    Affects, Analysis, Bom, Component, Hash, Metadata, Reference, Source, Vulnerability,
};
use assay_model::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Reads the statements of a document, and counts those about what it does not define.
pub(super) fn read(bom: &Bom) -> (Vec<Statement>, usize) {
    let empty = Metadata::default();
    let metadata = bom.metadata.as_ref().unwrap_or(&empty);
    let author = author(metadata);
    let own_time: Option<Timestamp> = metadata.timestamp.as_deref().and_then(|time| time.parse().ok());
    let subject = metadata.component.as_ref();
    let whole: Vec<Identity> = subject.map(identities).unwrap_or_default();
    let mut by_reference: HashMap<&str, Vec<Identity>> = HashMap::new();
    let mut queue: Vec<&Component> = bom.components.iter().collect();
    queue.extend(subject.iter().flat_map(|subject| &subject.components));
    while let Some(component) = queue.pop() {
        queue.extend(&component.components);
        if let Some(reference) = &component.bom_ref {
            by_reference.insert(reference, identities(component));
        }
    }
    let (mut statements, mut unknown) = (Vec::new(), 0);
    for vulnerability in &bom.vulnerabilities {
        let Some(analysis) = &vulnerability.analysis else { continue };
        let status = match analysis.state.as_deref() {
            Some("not_affected" | "false_positive") => Status::NotAffected,
            Some("exploitable") => Status::Affected,
            Some("resolved" | "resolved_with_pedigree") => Status::Fixed,
            Some("in_triage") => Status::UnderInvestigation,
            _ => continue,
        };
        let mut products = Vec::new();
        for affected in &vulnerability.affects {
            let reference = affected.reference.as_str();
            let link = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
            let reference = link.map_or(reference, |(_, reference)| reference);
            if subject.and_then(|subject| subject.bom_ref.as_deref()) == Some(reference) && link.is_none() {
                products.push(Product { identities: whole.clone(), parts: Vec::new() });
                continue;
            }
            let known = by_reference.get(reference).filter(|_| link.is_none()).cloned();
            let part = known.or_else(|| {
                let identity = Identity::parse(reference);
                matches!(identity, Identity::Purl(_)).then(|| vec![identity])
            });
            let Some(part) = part else {
                unknown += 1;
                continue;
            };
            // A document about an image speaks of its components in that image only.
            let product = if whole.is_empty() || link.is_some() {
                Product { identities: part, parts: Vec::new() }
            } else {
                Product { identities: whole.clone(), parts: vec![part] }
            };
            products.push(product);
        }
        let mut vulnerabilities = vec![vulnerability.id.clone()];
        vulnerabilities.extend(vulnerability.references.iter().map(|reference| reference.id.clone()));
        let time = [&analysis.last_updated, &analysis.first_issued, &vulnerability.updated];
        let time = time.into_iter().flatten().find_map(|time| time.parse().ok());
        statements.push(Statement {
            vulnerabilities,
            products,
            status,
            justification: analysis.justification.as_deref().and_then(Justification::from_cyclonedx),
            impact: analysis.detail.clone(),
            action: vulnerability.recommendation.clone().filter(|_| status == Status::Affected),
            author: author.clone(),
            issued: time.or(own_time),
        });
    }
    (statements, unknown)
}

fn author(metadata: &Metadata) -> String {
    let of_authors = metadata.authors.as_ref().and_then(Value::as_array).and_then(|authors| authors.first());
    let of_authors = of_authors.and_then(|author| author.get("name")).and_then(Value::as_str);
    let supplier = metadata.supplier.as_ref().map(|supplier| supplier.name.as_str());
    of_authors.or(supplier).unwrap_or_default().to_owned()
}

/// Names under which a component is known outside of its document; none for a bare name.
fn identities(component: &Component) -> Vec<Identity> {
    let mut found: Vec<Identity> = component.purl.iter().map(|purl| Identity::parse(purl)).collect();
    if component.kind == "container" {
        let version = component.version.as_deref().map(Identity::parse);
        found.extend(version.filter(|version| matches!(version, Identity::Digest(_))));
        let own = component.properties.iter().filter(|property| {
            [crate::property::MANIFEST_DIGEST, crate::property::IMAGE_ID].contains(&property.name.as_str())
        });
        found.extend(own.map(|property| Identity::parse(&property.value)));
        for hash in component.hashes.iter().filter(|hash| hash.alg == "SHA-256") {
            found.push(Identity::parse(&format!("sha256:{}", hash.content)));
        }
    }
    found.extend(component.cpe.iter().map(|cpe| Identity::parse(cpe)));
    found.dedup();
    found
}

/// Returns a document of these statements, or `None` when they are about parts of more than one product, which it cannot say.
pub(super) fn write(statements: &[Statement], heading: &Heading) -> Option<Bom> {
    let mut wholes: Vec<&[Identity]> = statements
        .iter()
        .flat_map(|statement| &statement.products)
        .filter(|product| !product.parts.is_empty())
        .map(|product| product.identities.as_slice())
        .collect();
    wholes.sort_by_key(|identities| identities.iter().map(Identity::text).collect::<Vec<_>>());
    wholes.dedup();
    let whole = match wholes.as_slice() {
        [] => None,
        [one] => Some(*one),
        _ => return None,
    };
    let mut components: BTreeMap<String, Component> = BTreeMap::new();
    let mut vulnerabilities = Vec::new();
    for statement in statements {
        let mut affects = Vec::new();
        for product in &statement.products {
            // Beside parts of a product, another product would be read as one of its parts.
            if whole.is_some_and(|whole| whole != product.identities.as_slice()) {
                return None;
            }
            let named = if product.parts.is_empty() {
                std::slice::from_ref(&product.identities)
            } else {
                &product.parts
            };
            for identities in named {
                let reference = if whole == Some(identities.as_slice()) {
                    SUBJECT.to_owned()
                } else {
                    let component = component(identities);
                    let reference = component.bom_ref.clone().unwrap_or_default();
                    components.insert(reference.clone(), component);
                    reference
                };
                affects.push(Affects { reference, versions: Vec::new() });
            }
        }
        vulnerabilities.push(vulnerability(statement, affects));
    }
    Some(Bom {
        schema: Some("http://cyclonedx.org/schema/bom-1.6.schema.json".to_owned()),
        bom_format: "CycloneDX".to_owned(),
        spec_version: "1.6".to_owned(),
        serial_number: Some(format!("urn:uuid:{}", crate::identity::as_uuid(&heading.identity))),
        version: Some(1),
        metadata: Some(Metadata {
            timestamp: Some(heading.time.to_string()),
            tools: Some(json!({
                "components": [{ "type": "application", "name": "assay", "version": heading.version }],
            })),
            authors: Some(json!([{ "name": heading.author }])),
            component: whole
                .map(|identities| Component { bom_ref: Some(SUBJECT.to_owned()), ..component(identities) }),
            ..Metadata::default()
        }),
        components: components.into_values().collect(),
        vulnerabilities,
        ..Bom::default()
    })
}

const SUBJECT: &str = "subject";

fn component(identities: &[Identity]) -> Component {
    let mut component = Component {
        kind: "library".to_owned(),
        bom_ref: identities.first().map(Identity::text),
        name: identities.first().map(Identity::text).unwrap_or_default(),
        ..Component::default()
    };
    for identity in identities {
        match identity {
            Identity::Purl(purl) if component.purl.is_none() => {
                if matches!(purl.kind.as_str(), "oci" | "docker") {
                    component.kind = "container".to_owned();
                }
                component.name.clone_from(&purl.name);
                component.version.clone_from(&purl.version);
                component.purl = Some(purl.to_string());
            }
            Identity::Digest(digest) => {
                component.kind = "container".to_owned();
                if digest.algorithm() == "sha256" {
                    component.hashes.push(Hash { alg: "SHA-256".to_owned(), content: digest.hex() });
                }
            }
            Identity::Cpe(cpe) => component.cpe = Some(cpe.clone()),
            Identity::Purl(_) | Identity::Name(_) => {}
        }
    }
    component
}

fn vulnerability(statement: &Statement, affects: Vec<Affects>) -> Vulnerability {
    let mut names = statement.vulnerabilities.iter();
    Vulnerability {
        id: names.next().cloned().unwrap_or_default(),
        references: names
            .map(|alias| Reference {
                id: alias.clone(),
                source: Some(Source { name: alias.split('-').next().map(str::to_owned), url: None }),
            })
            .collect(),
        recommendation: statement.action.clone(),
        analysis: Some(Analysis {
            state: Some(
                match statement.status {
                    Status::NotAffected => "not_affected",
                    Status::Affected => "exploitable",
                    Status::Fixed => "resolved",
                    Status::UnderInvestigation => "in_triage",
                }
                .to_owned(),
            ),
            justification: statement.justification.map(|it| it.cyclonedx().to_owned()),
            detail: statement.impact.clone(),
            first_issued: None,
            last_updated: statement.issued.map(|time| time.to_string()),
        }),
        affects,
        ..Vulnerability::default()
    }
}
