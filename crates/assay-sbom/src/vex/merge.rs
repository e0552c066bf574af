//! Several documents' statements as one list: the newest of each author about the same thing.

use super::{Product, Statement};
use std::cmp::Ordering;

/// Joins statements. Of two by one author about one vulnerability and one product, the newer is kept; of two of the same time, the
/// later in the list. Statements of different authors stand beside each other.
pub fn merge(statements: Vec<Statement>) -> Vec<Statement> {
    let mut kept: Vec<Statement> = Vec::new();
    for statement in statements {
        // A statement about several products may be superseded for one of them only.
        for product in statement.products.clone() {
            let one = Statement { products: vec![product], ..statement.clone() };
            let same = kept.iter_mut().find(|other| same_subject(other, &one));
            match same {
                Some(other) if one.issued.cmp(&other.issued) != Ordering::Less => *other = one,
                Some(_) => {}
                None => kept.push(one),
            }
        }
    }
    join(kept)
}

fn same_subject(a: &Statement, b: &Statement) -> bool {
    a.author == b.author && a.products == b.products && a.names(b.vulnerabilities.iter().map(String::as_str))
}

/// Puts statements that differ in nothing but the product together again.
fn join(statements: Vec<Statement>) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
    for statement in statements {
        let bare = |statement: &Statement| Statement { products: Vec::new(), ..statement.clone() };
        match joined.iter_mut().find(|other| bare(other) == bare(&statement)) {
            Some(other) => other.products.extend(statement.products),
            None => joined.push(statement),
        }
    }
    for statement in &mut joined {
        statement.products.sort_by_key(names);
    }
    joined.sort_by(|a, b| {
        let key = |it: &Statement| (it.vulnerabilities.clone(), it.issued, it.author.clone(), it.status);
        key(a).cmp(&key(b))
    });
    joined
}

fn names(product: &Product) -> Vec<String> {
    product.identities.iter().map(super::Identity::text).collect()
}
