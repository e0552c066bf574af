//! Arch Linux versions: `[epoch:]version[-release]`, [`vercmp(8)`](https://man.archlinux.org/man/vercmp.8).
//!
//! An old `rpmvercmp` with two changes of its own: a longer separator is newer, and a trailing word is older than nothing
//! (`1.0rc1 < 1.0`), while `~` and `^` mean nothing.

use std::cmp::Ordering;

use crate::rpm::Version;
use crate::scan;

/// Compares as libalpm's `alpm_pkg_vercmp` does.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    scan::number(a.epoch, b.epoch).then_with(|| compare_segments(a.version, b.version)).then_with(|| {
        match (a.release, b.release) {
            (Some(a), Some(b)) => compare_segments(a, b),
            _ => Ordering::Equal,
        }
    })
}

fn compare_segments(mut a: &str, mut b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    while !a.is_empty() && !b.is_empty() {
        let separates = |c: char| !c.is_ascii_alphanumeric();
        let (next_a, next_b) = (a.trim_start_matches(separates), b.trim_start_matches(separates));
        let lengths = (a.len() - next_a.len()).cmp(&(b.len() - next_b.len()));
        (a, b) = (next_a, next_b);
        if a.is_empty() || b.is_empty() {
            break;
        }
        if lengths != Ordering::Equal {
            return lengths;
        }
        let decided = match (scan::first(a).is_ascii_digit(), scan::first(b).is_ascii_digit()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (true, true) => {
                let ((x, rest_a), (y, rest_b)) = (scan::digits(a), scan::digits(b));
                (a, b) = (rest_a, rest_b);
                scan::number(x, y)
            }
            (false, false) => {
                let ((x, rest_a), (y, rest_b)) = (scan::letters(a), scan::letters(b));
                (a, b) = (rest_a, rest_b);
                x.cmp(y)
            }
        };
        if decided != Ordering::Equal {
            return decided;
        }
    }
    let word = |text: &str| scan::first(text).is_ascii_alphabetic();
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if word(b) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, _) if word(a) => Ordering::Less,
        (false, _) => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::order;
    use assay_model::Scheme::Pacman;

    /// Pairs of `vercmp(8)` and of pacman's `test/util/vercmptest.sh`.
    #[test]
    fn orders_as_vercmp() {
        order(
            Pacman,
            "
            1.5.0 = 1.5.0
            1.5.1 > 1.5.0
            1.5.1 > 1.5
            1.5.0-1 < 1.5.0-2
            1.5.0-1 < 1.5.1-1
            1.5-1 = 1.5
            1.1-1 = 1.1
            1.0-1 < 1.1
            1.5b-1 < 1.5-1
            1.5b < 1.5
            1.5b-1 < 1.5
            1.5b < 1.5.1
            1.0a < 1.0alpha
            1.0alpha < 1.0b
            1.0b < 1.0beta
            1.0beta < 1.0rc
            1.0rc < 1.0
            1.5.a > 1.5
            1.5.b > 1.5.a
            1.5.1 > 1.5.b
            2.0 = 2_0
            2.0_a = 2_0.a
            2.0a < 2.0.a
            2___a > 2_a
            0:1.0 < 1:1.0
            1:1.0 > 0:2.0
            ",
        );
    }
}
