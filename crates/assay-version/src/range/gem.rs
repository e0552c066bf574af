//! Ruby [requirements](https://guides.rubygems.org/patterns/#declaring-dependencies): `~> 1.2, != 1.2.5`.

use crate::gem::{Segment, compare, parse};
use crate::scan;

/// Returns whether the version meets every clause.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let subject = parse(version)?;
    let mut met = true;
    for clause in requirement.split(',').map(str::trim) {
        const SIGNS: [&str; 7] = ["~>", "!=", ">=", "<=", "=", ">", "<"];
        let (sign, bound) = SIGNS
            .iter()
            .find_map(|sign| clause.strip_prefix(sign).map(|rest| (*sign, rest.trim())))
            .unwrap_or(("=", clause));
        if bound.is_empty() {
            return None;
        }
        let limit = parse(bound)?;
        let order = compare(&subject, &limit);
        met &= match sign {
            "=" => order.is_eq(),
            "!=" => order.is_ne(),
            ">=" => order.is_ge(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            _ => order.is_ge() && compare(&parse(&release(version)?)?, &parse(&bump(bound)?)?).is_lt(),
        };
    }
    Some(met)
}

/// The numbers before the first word.
fn numbers(text: &str) -> Option<Vec<&str>> {
    Some(
        parse(text)?
            .segments()
            .map_while(|segment| match segment {
                Segment::Number(number) => Some(number),
                Segment::Word(_) => None,
            })
            .collect(),
    )
}

fn release(text: &str) -> Option<String> {
    numbers(text).map(|numbers| numbers.join("."))
}

/// `1.2.3` → `1.3`: where a pessimistic requirement ends.
fn bump(text: &str) -> Option<String> {
    let mut numbers = numbers(text)?;
    if numbers.len() > 1 {
        numbers.pop();
    }
    let last = scan::increment(numbers.pop()?);
    numbers.push(&last);
    Some(numbers.join("."))
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Gem;

    /// Of RubyGems' own `test_gem_requirement.rb`.
    #[test]
    fn reads_requirements_as_rubygems() {
        ranges(
            Gem,
            "
            ~> 1.4.4 | 1.4.5
            ! ~> 1.4.4 | 1.5
            ~> 1.2 | 1.9
            ! ~> 1.2 | 2.0.a
            ~> 1 | 1.1.pre
            ! ~> 1 | 2.0.pre
            > 0.2.33.lego | 0.2.33.rc1
            >= 1.a | 1.0
            ! < 1.0 | 1.0.0
            = 1.0 | 1
            != 9.3 | 9.2
            >= 1, < 3 | 2
            1.0 | 1.0.0
            ~> 1.1.a | 1.1.0
            ",
        );
        invalid_range(Gem, &["", "=>", ">> 1.3.5", "> blah", ">= 1,"]);
    }
}
