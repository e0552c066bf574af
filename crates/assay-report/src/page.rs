//! What all HTML of Assay has in common, the report as one file and the pages of the server: the style (light and dark, phone and
//! print), charts drawn in SVG, and templates in which every value is escaped.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error};
use sha2::{Digest as _, Sha256};

/// The style.
pub const STYLE: &str = include_str!("../templates/report.css");

const CHARTS: &str = include_str!("../templates/charts.html");

/// The longest bar of a chart.
const FULL: u64 = 1000;

/// Returns what templates are read into: it has the macros of `charts.html`, and escapes every value for HTML.
///
/// # Errors
/// Fails only as the template engine does.
pub fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("charts.html", CHARTS)?;
    Ok(environment)
}

/// Returns the length of a bar, 0 to 1000, beside one of `most`.
pub fn length(count: u64, most: u64) -> u64 {
    count.saturating_mul(FULL).checked_div(most).unwrap_or_default()
}

/// Returns what allows this very text in a content security policy, as style or script
/// (<https://www.w3.org/TR/CSP3/#framework-directive-source-list>).
pub fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

/// Base64 with padding (RFC 4648), of a digest.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let digit = (bits >> (18 - 6 * position)) & 63;
            let digit = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit));
            text.push(if position > chunk.len() { '=' } else { char::from(*digit.unwrap_or(&b'A')) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, want) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), want);
        }
    }
}
