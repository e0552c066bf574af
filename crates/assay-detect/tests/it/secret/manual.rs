//! The manual's table of rules is that of the data.

use assay_detect::secret::{Find, rules};
use std::fmt::Write as _;

fn printed() -> String {
    let mut rows: Vec<_> = rules().collect();
    rows.sort_by_key(|rule| rule.id);
    let mut text = String::from("| rule | what it is | severity | found by |\n|---|---|---|---|\n");
    for rule in rows {
        let code =
            |all: &[&str]| all.iter().map(|one| format!("`{}`", one.trim())).collect::<Vec<_>>().join(" ");
        let by = match rule.find {
            Find::Literal(literals) | Find::Start(literals) | Find::TextLiteral(literals) => code(literals),
            Find::Assigned(words) => format!("a name with {}", code(words)),
            Find::Generic => "a name for secrets".to_owned(),
            Find::Password => "a name for passwords".to_owned(),
            Find::File(suffixes) => format!("files {}", code(suffixes)),
        };
        writeln!(text, "| `{}` | {} | {} | {by} |", rule.id, rule.title, rule.severity).unwrap();
    }
    text
}

#[test]
fn the_manual_lists_every_rule() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manual/secrets.md");
    let manual = std::fs::read_to_string(path).unwrap();
    assert!(manual.contains(&printed()), "put this into docs/manual/secrets.md:\n{}", printed());
}
