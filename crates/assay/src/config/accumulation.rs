//! The section `accumulation`: from how many findings on they are a finding of their own.

use super::read::Reader;
use super::tree::Node;
use assay_detect::check::accumulated::Accumulation;

/// The keys of `accumulation`.
pub(super) const ACCUMULATION_KEYS: &[&str] = &["medium", "unfixed"];

impl Reader<'_> {
    /// Reads the section; what it does not say is as by default.
    pub(super) fn accumulation(&mut self, node: &Node) -> Accumulation {
        let mut accumulation = Accumulation::default();
        for (key, value) in self.entries(node, "`accumulation`", ACCUMULATION_KEYS) {
            let Some(text) = self.text(value, key) else { continue };
            match (key, text.as_str()) {
                ("medium", "ignore") => accumulation.medium = None,
                ("medium", number) => match number.parse() {
                    Ok(number @ 1..) => accumulation.medium = Some(number),
                    _ => {
                        let message = format!("`{number}` is no number of findings, nor `ignore`");
                        self.problem(value.line(), message, Some("write a number of 1 or more".to_owned()));
                    }
                },
                (_, "true") => accumulation.unfixed = true,
                (_, "false") => accumulation.unfixed = false,
                _ => self.problem(value.line(), "`unfixed` is true or false".to_owned(), None),
            }
        }
        accumulation
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<(Option<u32>, bool), &str>) {
        let got = read(&format!("accumulation:\n{text}"), "assay.yaml");
        let got = got.map(|config| config.accumulation.unwrap());
        match (got, want) {
            (Ok(Accumulation { medium, unfixed }), Ok(want)) => assert_eq!((medium, unfixed), want),
            (Err(problems), Err(want)) => assert_eq!(problems[0].message, want),
            (got, want) => panic!("{got:?}, not {want:?}"),
        }
    }

    #[test]
    fn what_is_said_replaces_the_default() {
        check("  medium: 5\n  unfixed: true\n", Ok((Some(5), true)));
        check("  medium: ignore\n", Ok((None, false)));
        check("", Ok((Some(50), false)));
        check("  medium: 0\n", Err("`0` is no number of findings, nor `ignore`"));
        check("  medium: many\n", Err("`many` is no number of findings, nor `ignore`"));
        check("  unfixed: perhaps\n", Err("`unfixed` is true or false"));
    }
}
