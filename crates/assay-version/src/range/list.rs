//! Plain comparator lists, as GLAD, RetireJS and distributions write them: `>=1.0, <2.0 || =3.1`.
//!
//! Commas and blanks mean "and", `||` means "or"; a version alone means "equal to it".

use assay_model::Scheme;

use crate::{compare, is_valid};

/// A comparison sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Sign {
    /// Splits a sign off; none means equality.
    pub(crate) fn split(text: &str) -> (Self, &str) {
        const SIGNS: [(&str, Sign); 10] = [
            ("==", Sign::Equal),
            ("!=", Sign::NotEqual),
            ("<>", Sign::NotEqual),
            ("<=", Sign::LessOrEqual),
            ("=<", Sign::LessOrEqual),
            (">=", Sign::GreaterOrEqual),
            ("<<", Sign::Less),
            ("<", Sign::Less),
            (">", Sign::Greater),
            ("=", Sign::Equal),
        ];
        SIGNS
            .iter()
            .find_map(|(sign, meaning)| text.strip_prefix(sign).map(|rest| (*meaning, rest.trim_start())))
            .unwrap_or((Sign::Equal, text))
    }

    /// Returns whether the order of a version and a bound is what the sign asks for.
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Returns whether every comparator of some alternative holds.
pub(crate) fn satisfies(scheme: Scheme, version: &str, requirement: &str) -> Option<bool> {
    let mut met = false;
    for alternative in requirement.split("||") {
        let mut all = true;
        let mut rest = alternative.trim();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (sign, tail) = Sign::split(rest);
            let end = tail.find([',', ' ']).unwrap_or(tail.len());
            let (bound, tail) = tail.split_at_checked(end)?;
            all &= match bound {
                "*" => true,
                bound if is_valid(scheme, bound) => sign.holds(compare(scheme, version, bound).ok()?),
                _ => return None,
            };
            rest = tail.trim_start_matches([',', ' ']);
        }
        met |= all;
    }
    Some(met)
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::{Deb, Generic, Go};

    #[test]
    fn reads_comparator_lists() {
        ranges(
            Generic,
            "
            >=1.0,<2.0 | 1.5
            ! >=1.0,<2.0 | 2.0
            >= 1.0 < 2.0 || = 3.1 | 3.1
            1.0.2k | 1.0.2k
            != 1.1 | 1.0
            * | 7
            ",
        );
        ranges(Go, ">=v1.0.0 <v1.2.3 | v1.2.3-pre\n! <1.21.0-0 | go1.21rc2");
        ranges(Deb, ">= 1.0~rc1 | 1.0\n! << 1.0 | 1.0");
        invalid_range(Generic, &["", ">=", ">= || 1", "foo"]);
    }
}
