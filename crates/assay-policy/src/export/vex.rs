//! Exceptions as statements in VEX: what is accepted is affected, with the acceptance as the action; only an exception that says so
//! itself states that a product is not affected.

use crate::exception::Exception;
use crate::policy::Policy;
use assay_model::Timestamp;
use assay_sbom::vex::{Identity, Product, Statement, Status};

/// Returns the statements, and what could not be stated.
pub fn statements(policy: &Policy, now: Timestamp) -> (Vec<Statement>, Vec<String>) {
    let mut statements = Vec::new();
    let mut notes = Vec::new();
    for exception in &policy.exceptions {
        let id = &exception.id;
        if exception.expires.is_some_and(|expires| now >= expires) {
            notes.push(format!("`{id}` has expired and was left out"));
            continue;
        }
        if exception.advisories.is_empty() {
            notes.push(format!("`{id}` names no vulnerability, which a statement must"));
            continue;
        }
        let products = products(exception, id, &mut notes);
        if products.is_empty() {
            notes.push(format!(
                "`{id}` names no product: give it `digests`, `repositories` without `*`, or package URLs"
            ));
            continue;
        }
        statements
            .extend(exception.advisories.iter().map(|advisory| statement(exception, advisory, &products)));
    }
    (statements, notes)
}

fn products(exception: &Exception, id: &str, notes: &mut Vec<String>) -> Vec<Product> {
    let exact = |texts: &[String], what: &str, notes: &mut Vec<String>| -> Vec<String> {
        let (patterns, exact): (Vec<String>, Vec<String>) =
            texts.iter().cloned().partition(|text| text.contains('*'));
        if !patterns.is_empty() {
            notes.push(format!("`{id}`: patterns of {what} cannot be stated: {}", patterns.join(", ")));
        }
        exact
    };
    let mut parts: Vec<Vec<Identity>> = Vec::new();
    for package in exact(&exception.packages, "packages", notes) {
        if package.starts_with("pkg:") {
            parts.push(vec![Identity::parse(&package)]);
        } else {
            notes.push(format!("`{id}`: the package `{package}` is no package URL and cannot be stated"));
        }
    }
    // A narrower exception must not become a wider statement.
    if parts.is_empty() && !exception.packages.is_empty() {
        return Vec::new();
    }
    if !exception.paths.is_empty() || !exception.findings.is_empty() {
        notes.push(format!("`{id}` is narrowed to paths or findings, which cannot be stated"));
        return Vec::new();
    }
    let mut identities: Vec<String> = exception.digests.iter().map(ToString::to_string).collect();
    let selector = &exception.selector;
    identities.extend(exact(&selector.images, "images", notes));
    identities.extend(exact(&selector.repositories, "repositories", notes));
    if !selector.services.is_empty() || !selector.teams.is_empty() {
        notes.push(format!("`{id}` is narrowed to services or teams, which cannot be stated"));
        return Vec::new();
    }
    let whole = identities.is_empty()
        && exception.digests.is_empty()
        && selector.images.is_empty()
        && selector.repositories.is_empty();
    if whole {
        return parts.into_iter().map(|part| Product { identities: part, parts: Vec::new() }).collect();
    }
    identities
        .iter()
        .map(|identity| Product { identities: vec![Identity::parse(identity)], parts: parts.clone() })
        .collect()
}

fn statement(exception: &Exception, advisory: &str, products: &[Product]) -> Statement {
    let until = match (exception.expires, exception.until_fixed) {
        (Some(day), true) => format!("until {} or until a fix ships", day.date_text()),
        (Some(day), false) => format!("until {}", day.date_text()),
        (None, _) => "until a fix ships".to_owned(),
    };
    let accepted = format!(
        "accepted {until} by {} for {} ({}): {}",
        exception.approved_by, exception.owner, exception.id, exception.reason
    );
    let justification = exception.justification.as_deref().and_then(|text| text.parse().ok());
    Statement {
        vulnerabilities: vec![advisory.to_owned()],
        products: products.to_vec(),
        status: if exception.not_affected { Status::NotAffected } else { Status::Affected },
        justification: justification.filter(|_| exception.not_affected),
        impact: exception.not_affected.then(|| exception.reason.clone()),
        action: (!exception.not_affected).then_some(accepted),
        author: exception.approved_by.clone(),
        issued: exception.approved_on,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_stated_as_narrow_as_they_are() {
        let policy = Policy::parse(
            "apiVersion: assay.dev/v1\nkind: ImagePolicy\nexceptions:\n  - {id: a, advisories: [CVE-1], packages: [\"pkg:deb/debian/openssl\"], repositories: [registry.example/app], owner: o, reason: r, approvedBy: b, expires: 2030-01-01}\n  - {id: b, advisories: [CVE-2], packages: [openssl], owner: o, reason: r, approvedBy: b, expires: 2030-01-01}\n  - {id: c, advisories: [CVE-3], digests: [\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"], owner: o, reason: r, approvedBy: b, until: fix-available, vex: {status: not_affected, justification: component_not_present}}\n  - {id: d, rules: [secrets], owner: o, reason: r, approvedBy: b, expires: 2001-01-01}\n",
        )
        .unwrap();
        let (statements, notes) = statements(&policy, Timestamp(1_700_000_000));
        assert_eq!(statements.len(), 2);
        assert_eq!(statements[0].status, Status::Affected);
        assert_eq!(statements[0].products[0].parts.len(), 1);
        assert!(statements[0].action.as_ref().unwrap().contains("until 2030-01-01"));
        assert_eq!(statements[1].status, Status::NotAffected);
        assert!(
            notes.iter().any(|note| note.contains("`b`"))
                && notes.iter().any(|note| note.contains("`d` has expired"))
        );
    }
}
