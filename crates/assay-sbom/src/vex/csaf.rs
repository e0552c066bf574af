//! The VEX profile of CSAF 2.0 and 2.1 (<https://docs.oasis-open.org/csaf/csaf/v2.0/os/csaf-v2.0-os.html#45-profile-5-vex>).
//!
//! Products are a tree of names; a relationship makes a new product of a component and what it is installed in. A statement about
//! such a product is about the component *in* the other.

use super::openvex::{objects, text, values};
use super::product::{Identity, Product};
use super::{Heading, Statement, Status};
use assay_model::{Digest, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// How deep branches nest; the parser of JSON bounds them too.
const MAX_DEPTH: usize = 64;

/// Reads the statements of a document, and counts those about products that it does not define.
pub(super) fn read(document: &Map<String, Value>) -> (Vec<Statement>, usize) {
    let empty = Map::new();
    let object = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
    let head = object(document.get("document")).unwrap_or_default();
    let publisher = object(head.get("publisher")).unwrap_or_default();
    let author = text(&publisher, "name").unwrap_or_default().to_owned();
    let tracking = object(head.get("tracking")).unwrap_or_default();
    let issued: Option<Timestamp> =
        text(&tracking, "current_release_date").and_then(|time| time.parse().ok());
    let tree = document.get("product_tree").and_then(Value::as_object).unwrap_or(&empty);
    let products = products(tree);
    let groups = groups(tree);
    let (mut statements, mut unknown) = (Vec::new(), 0);
    for vulnerability in objects(document.get("vulnerabilities")) {
        let mut names: Vec<String> = text(vulnerability, "cve").map(str::to_owned).into_iter().collect();
        names.extend(objects(vulnerability.get("ids")).filter_map(|id| text(id, "text")).map(str::to_owned));
        let Some(Value::Object(status_of)) = vulnerability.get("product_status") else { continue };
        for (key, ids) in status_of {
            let status = match key.as_str() {
                "known_not_affected" => Status::NotAffected,
                "known_affected" | "first_affected" | "last_affected" => Status::Affected,
                "fixed" | "first_fixed" => Status::Fixed,
                "under_investigation" => Status::UnderInvestigation,
                _ => continue,
            };
            // Reasons are given per product: one statement for each.
            for id in values(Some(ids)).filter_map(Value::as_str) {
                let Some(product) = products.get(id) else {
                    unknown += 1;
                    continue;
                };
                let about = |object: &&Map<String, Value>| {
                    let direct = values(object.get("product_ids")).any(|one| one.as_str() == Some(id));
                    let mut of_groups = values(object.get("group_ids")).filter_map(Value::as_str);
                    direct || of_groups.any(|group| groups.get(group).is_some_and(|ids| ids.contains(&id)))
                };
                let mut flags = objects(vulnerability.get("flags")).filter(about);
                let mut threats = objects(vulnerability.get("threats"))
                    .filter(|threat| text(threat, "category") == Some("impact"))
                    .filter(|threat| {
                        !threat.contains_key("product_ids") && !threat.contains_key("group_ids")
                            || about(threat)
                    });
                let mut remedies = objects(vulnerability.get("remediations")).filter(about);
                statements.push(Statement {
                    vulnerabilities: names.clone(),
                    products: vec![product.clone()],
                    status,
                    justification: flags
                        .find_map(|flag| text(flag, "label"))
                        .and_then(|label| label.parse().ok()),
                    impact: threats.find_map(|threat| text(threat, "details")).map(str::to_owned),
                    action: remedies.find_map(|remedy| text(remedy, "details")).map(str::to_owned),
                    author: author.clone(),
                    issued,
                });
            }
        }
    }
    (statements, unknown)
}

fn groups(tree: &Map<String, Value>) -> HashMap<&str, Vec<&str>> {
    objects(tree.get("product_groups"))
        .filter_map(|group| {
            let ids = values(group.get("product_ids")).filter_map(Value::as_str).collect();
            Some((text(group, "group_id")?, ids))
        })
        .collect()
}

/// Returns the products of a tree by identifier.
fn products(tree: &Map<String, Value>) -> HashMap<String, Product> {
    let mut found = HashMap::new();
    let mut add = |product: &Map<String, Value>| {
        if let Some(id) = text(product, "product_id") {
            found.insert(id.to_owned(), Product { identities: identities(product), parts: Vec::new() });
        }
    };
    for product in objects(tree.get("full_product_names")) {
        add(product);
    }
    let mut branches: Vec<(&Map<String, Value>, usize)> =
        objects(tree.get("branches")).map(|branch| (branch, 0)).collect();
    while let Some((branch, depth)) = branches.pop() {
        if let Some(Value::Object(product)) = branch.get("product") {
            add(product);
        }
        if depth < MAX_DEPTH {
            branches.extend(objects(branch.get("branches")).map(|branch| (branch, depth + 1)));
        }
    }
    // A relationship may build on another one that comes later.
    let relations: Vec<&Map<String, Value>> = objects(tree.get("relationships")).collect();
    for _ in 0..relations.len().min(MAX_DEPTH) {
        let before = found.len();
        for relation in &relations {
            let product = relation.get("full_product_name").and_then(Value::as_object);
            let Some(id) = product.and_then(|product| text(product, "product_id")) else { continue };
            if found.contains_key(id) {
                continue;
            }
            let of = |key: &str| text(relation, key).and_then(|id| found.get(id)).cloned();
            let (Some(part), Some(whole)) = (of("product_reference"), of("relates_to_product_reference"))
            else {
                continue;
            };
            let mut identities = whole.identities;
            identities.extend(product.map(self::identities).unwrap_or_default());
            found.insert(id.to_owned(), related(part, identities));
        }
        if found.len() == before {
            break;
        }
    }
    found
}

/// A component within a product. A platform that only a CPE names (an operating system's release) is no image: the component's own
/// purl, which names the distribution, then stands for itself.
fn related(part: Product, whole: Vec<Identity>) -> Product {
    let by_image = whole.iter().any(|identity| match identity {
        Identity::Purl(purl) => matches!(purl.kind.as_str(), "oci" | "docker"),
        Identity::Digest(_) => true,
        Identity::Name(_) | Identity::Cpe(_) => false,
    });
    let has_purl = part.identities.iter().any(|identity| matches!(identity, Identity::Purl(_)));
    if !by_image && has_purl && !whole.iter().any(|identity| matches!(identity, Identity::Purl(_))) {
        return part;
    }
    Product { identities: whole, parts: vec![part.identities] }
}

fn identities(product: &Map<String, Value>) -> Vec<Identity> {
    let mut found = Vec::new();
    if let Some(Value::Object(helper)) = product.get("product_identification_helper") {
        found.extend(text(helper, "purl").map(Identity::parse));
        found.extend(values(helper.get("purls")).filter_map(Value::as_str).map(Identity::parse));
        for hash in objects(helper.get("hashes")).flat_map(|entry| objects(entry.get("file_hashes"))) {
            let hex = text(hash, "value").filter(|_| text(hash, "algorithm") == Some("sha256"));
            let digest = hex.and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok());
            found.extend(digest.map(Identity::Digest));
        }
        found.extend(text(helper, "cpe").map(Identity::parse));
    }
    found.extend(text(product, "name").map(Identity::parse));
    found
}

/// Returns a document of these statements.
pub(super) fn write(statements: &[Statement], heading: &Heading) -> Value {
    let mut ids: BTreeMap<String, (Value, String)> = BTreeMap::new();
    let mut relations: BTreeMap<String, Value> = BTreeMap::new();
    let mut by_vulnerability: BTreeMap<&[String], Vec<(&Statement, Vec<String>)>> = BTreeMap::new();
    for statement in statements {
        let mut about = Vec::new();
        for product in &statement.products {
            let whole = product_id(&product.identities, &mut ids);
            if product.parts.is_empty() {
                about.push(whole);
                continue;
            }
            for part in &product.parts {
                let part = product_id(part, &mut ids);
                let id = format!("{part}:{whole}");
                relations.entry(id.clone()).or_insert_with(|| {
                    json!({
                        "category": "default_component_of",
                        "product_reference": part,
                        "relates_to_product_reference": whole,
                        "full_product_name": { "name": format!("{part} as part of {whole}"), "product_id": id },
                    })
                });
                about.push(id);
            }
        }
        by_vulnerability.entry(statement.vulnerabilities.as_slice()).or_default().push((statement, about));
    }
    let names: Vec<Value> = ids.into_values().map(|(value, _)| value).collect();
    let mut tree = json!({ "full_product_names": names });
    if !relations.is_empty() {
        crate::json::put(&mut tree, "relationships", relations.into_values().collect::<Vec<Value>>());
    }
    let date = heading.time.to_string();
    json!({
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "title": format!("VEX statements of {}", heading.author),
            "publisher": { "category": "user", "name": heading.author, "namespace": heading.namespace },
            "tracking": {
                "id": heading.identity,
                "status": "final",
                "version": "1",
                "initial_release_date": date,
                "current_release_date": date,
                "revision_history": [{ "number": "1", "date": date, "summary": "first version" }],
                "generator": { "engine": { "name": "assay", "version": heading.version } },
            },
        },
        "product_tree": tree,
        "vulnerabilities": by_vulnerability
            .into_iter()
            .map(|(names, statements)| vulnerability(names, &statements))
            .collect::<Vec<Value>>(),
    })
}

fn product_id(identities: &[Identity], ids: &mut BTreeMap<String, (Value, String)>) -> String {
    let name = identities.first().map(Identity::text).unwrap_or_default();
    let key: Vec<String> = identities.iter().map(Identity::text).collect();
    let next = format!("P{}", ids.len() + 1);
    let (_, id) = ids.entry(key.join("\n")).or_insert_with(|| {
        let mut helper = Map::new();
        for identity in identities {
            match identity {
                Identity::Purl(purl) => {
                    helper.entry("purl").or_insert_with(|| purl.to_string().into());
                }
                Identity::Cpe(cpe) => {
                    helper.entry("cpe").or_insert_with(|| cpe.as_str().into());
                }
                Identity::Digest(digest) => {
                    let hash = json!({ "algorithm": digest.algorithm(), "value": digest.hex() });
                    let entry = json!([{ "filename": "manifest.json", "file_hashes": [hash] }]);
                    helper.entry("hashes").or_insert(entry);
                }
                Identity::Name(_) => {}
            }
        }
        let mut value = json!({ "name": name, "product_id": next });
        if !helper.is_empty() {
            crate::json::put(&mut value, "product_identification_helper", helper);
        }
        (value, next)
    });
    id.clone()
}

fn vulnerability(names: &[String], statements: &[(&Statement, Vec<String>)]) -> Value {
    let (mut status, mut flags, mut threats, mut remediations) =
        (BTreeMap::<&str, Vec<&str>>::new(), Vec::new(), Vec::new(), Vec::new());
    for (statement, about) in statements {
        let key = match statement.status {
            Status::NotAffected => "known_not_affected",
            Status::Affected => "known_affected",
            Status::Fixed => "fixed",
            Status::UnderInvestigation => "under_investigation",
        };
        let ids = status.entry(key).or_default();
        ids.extend(about.iter().map(String::as_str));
        ids.sort_unstable();
        ids.dedup();
        if let Some(justification) = statement.justification {
            flags.push(json!({ "label": justification.name(), "product_ids": about }));
        }
        if let Some(impact) = &statement.impact {
            threats.push(json!({ "category": "impact", "details": impact, "product_ids": about }));
        }
        // The profile asks for a remediation of what is affected.
        let action = statement.action.as_deref();
        let action = action.or((statement.status == Status::Affected).then_some("No remediation is stated."));
        if let Some(action) = action {
            let category = if statement.action.is_some() { "mitigation" } else { "none_available" };
            remediations.push(json!({ "category": category, "details": action, "product_ids": about }));
        }
    }
    let mut value = json!({
        "notes": [{ "category": "general", "text": format!("Statements about {}.", names.join(", ")) }],
        "product_status": status,
    });
    let is_cve = |name: &&String| name.starts_with("CVE-");
    if let Some(cve) = names.iter().find(is_cve) {
        crate::json::put(&mut value, "cve", cve.as_str());
    }
    let ids: Vec<Value> = names
        .iter()
        .filter(|name| value.get("cve").and_then(Value::as_str) != Some(name.as_str()))
        .map(|name| json!({ "system_name": name.split('-').next().unwrap_or(name), "text": name }))
        .collect();
    for (key, list) in [("ids", ids), ("flags", flags), ("threats", threats), ("remediations", remediations)]
    {
        if !list.is_empty() {
            crate::json::put(&mut value, key, list);
        }
    }
    value
}
