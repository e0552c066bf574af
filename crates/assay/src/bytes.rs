//! Sizes as users write and read them: `512MiB`, `4g`, `1.5 GB`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl FromStr for Bytes {
    type Err = String;

    /// Reads a size. `K`, `M`, `G` and `T` mean powers of 1024, as for `ulimit` and Kubernetes' `Ki`; `kB`, `MB`, `GB` and
    /// `TB` those of 1000.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "ki" | "kib" => 1 << 10,
            "m" | "mi" | "mib" => 1 << 20,
            "g" | "gi" | "gib" => 1 << 30,
            "t" | "ti" | "tib" => 1 << 40,
            "kb" => 1000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err("expected a size such as `512MiB` or `4GiB`".to_owned()),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| {
            if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() }
        };
        let scaled = || {
            let whole = digits(whole).filter(|_| !number.is_empty())?.checked_mul(factor)?;
            // Four digits after the point are more than anybody means.
            let part: String = part.chars().take(4).collect();
            let power = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
            whole.checked_add(digits(&part)?.checked_mul(factor)? / power)
        };
        scaled().map(Self).ok_or_else(|| "expected a size such as `512MiB` or `4GiB`".to_owned())
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS.into_iter().find(|(_, factor)| self.0 >= *factor).unwrap_or(("B", 1));
        let tenths = u128::from(self.0) * 10 / u128::from(factor);
        if factor == 1 || tenths % 10 == 0 {
            write!(f, "{} {unit}", tenths / 10)
        } else {
            write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        let check = |text: &str, want: Option<u64>, shown: &str| {
            let read = text.parse::<Bytes>().ok();
            assert_eq!(read.map(|bytes| bytes.0), want, "{text}");
            assert_eq!(read.map(|bytes| bytes.to_string()).unwrap_or_default(), shown, "{text}");
        };
        check("0", Some(0), "0 B");
        check("1536", Some(1536), "1.5 KiB");
        check("2GiB", Some(2 << 30), "2 GiB");
        check("2g", Some(2 << 30), "2 GiB");
        check("1.5 MiB", Some(3 << 19), "1.5 MiB");
        check("64MB", Some(64_000_000), "61 MiB");
        check("", None, "");
        check("GiB", None, "");
        check("-1", None, "");
        check("4 parsecs", None, "");
        check("99999999999TiB", None, "");
    }
}
