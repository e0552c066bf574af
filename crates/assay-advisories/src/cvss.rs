//! CVSS vectors: versions 2.0, 3.0, 3.1 and 4.0 (<https://www.first.org/cvss/>); the score is always computed, never believed.

use assay_model::advisory::Cvss;

/// Reads a vector and computes its score; `None` when it is none.
///
/// Vectors of version 2 come with and without parentheses and prefix.
pub fn read(vector: &str, source: &str) -> Option<Cvss> {
    let vector = vector.trim().trim_start_matches('(').trim_end_matches([')', '/']);
    if vector.len() > 512 {
        return None;
    }
    let parsed: cvss::Cvss = match vector.parse() {
        Ok(parsed) => parsed,
        Err(_) => cvss::Cvss::CvssV20(vector.strip_prefix("CVSS:2.0/").unwrap_or(vector).parse().ok()?),
    };
    let score = parsed.score();
    score.is_finite().then(|| Cvss { vector: vector.to_owned(), score, source: source.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_computed() {
        for (vector, want) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.1),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5),
            ("(AV:N/AC:M/Au:N/C:N/I:P/A:N)", 4.3),
        ] {
            assert_eq!(read(vector, "nvd").map(|cvss| cvss.score), Some(want), "{vector}");
        }
        assert_eq!(read("very bad", "nvd"), None);
    }
}
