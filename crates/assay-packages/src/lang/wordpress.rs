//! WordPress: its own version, plugins and themes.
//!
//! A plugin says what it is in a comment at the start of one PHP file of its folder, a theme in that of its `style.css`
//! (<https://developer.wordpress.org/plugins/plugin-basics/header-requirements/>); WordPress itself looks at the first 8 KiB of
//! each and so does this. Advisories know plugins by the folder's name (the slug), not by the name in the comment. `Stable tag`
//! of a `readme.txt` is not read: it says what the author published last.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// WordPress, its plugins and themes.
pub(super) struct WordPress;

/// How much of a file WordPress searches for its header (`get_file_data`).
const HEADER_LEN: u64 = 8 << 10;

const PLUGINS: [&str; 2] = ["wp-content/plugins/", "wp-content/mu-plugins/"];
const THEMES: &str = "wp-content/themes/";

impl Analyzer for WordPress {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "wordpress", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Within("wp-content/plugins/", ".php"),
            Select::Within("wp-content/mu-plugins/", ".php"),
            Select::Within(THEMES, "/style.css"),
            Select::Suffix("wp-includes/version.php"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let after = |folder: &str| file.path.rsplit_once(folder).map(|(_, rest)| rest);
        let (kind, rest, title) = if file.path.ends_with("wp-includes/version.php") {
            (PackageKind::Generic, "wordpress", "")
        } else if let Some(rest) = PLUGINS.into_iter().find_map(after) {
            (PackageKind::WordPressPlugin, rest, "Plugin Name")
        } else if let Some(rest) = after(THEMES) {
            (PackageKind::WordPressTheme, rest, "Theme Name")
        } else {
            return;
        };
        // `<slug>/<file>`, or one file that is the whole plugin; what lies deeper is no plugin's main file.
        let slug = match rest.split_once('/') {
            Some((_, rest)) if rest.contains('/') => return,
            Some((slug, _)) => slug,
            None => rest.strip_suffix(".php").unwrap_or(rest),
        };
        let len = file.content.len().min(HEADER_LEN);
        let Ok(bytes) = file.content.read_range(0, len, usize::try_from(HEADER_LEN).unwrap_or(usize::MAX))
        else {
            return out.warn("unreadable-file", "its beginning cannot be read");
        };
        let text = String::from_utf8_lossy(&bytes);
        let version = if title.is_empty() {
            assigned(&text, "$wp_version")
        } else {
            header(&text, title).and_then(|_| header(&text, "Version"))
        };
        if let Some(version) = version.filter(|version| !version.is_empty() && !slug.is_empty()) {
            let mut package = Package::new(kind, slug, version);
            package
                .licenses
                .extend(header(&text, "License").filter(|_| !title.is_empty()).map(str::to_owned));
            out.package(package);
        }
    }
}

/// Returns the value of `Field: value` in a comment, whatever signs come before it.
fn header<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '/' | '*' | '#' | '@'));
        let line = line.strip_prefix("<?php").map_or(line, |line| line.trim_start_matches([' ', '/', '*']));
        let start = line.get(..field.len()).filter(|start| start.eq_ignore_ascii_case(field))?;
        let value = line.strip_prefix(start)?.strip_prefix(':')?;
        let value = value.split("*/").next().unwrap_or(value).split("?>").next().unwrap_or_default();
        Some(value.trim())
    })
}

/// Returns the text in `$name = '…';`.
fn assigned<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let value = line.trim_start().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim();
        value.strip_suffix(';').map(|value| value.trim_matches(['\'', '"']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const PLUGIN: &[u8] = b"<?php
/**
 * @package Akismet
 */
/*
Plugin Name: Akismet Anti-Spam: Spam Protection
Plugin URI: https://akismet.com/
Version: 5.3.1
License: GPLv2 or later
*/
define( 'AKISMET_VERSION', '5.3.1' );
";

    #[test]
    fn plugins() {
        let folder = "srv/wp-content/plugins";
        let want = "akismet 5.3.1 [GPLv2 or later]\n";
        check(&WordPress, &format!("{folder}/akismet/akismet-main.php"), PLUGIN, want);
        check(&WordPress, &format!("{folder}/akismet/class.php"), b"<?php\nclass A {}\n// Version: 3\n", "");
        check(&WordPress, &format!("{folder}/akismet/views/x.php"), PLUGIN, "");
        let one = b"<?php /* Plugin Name: Hello Dolly\n * version: 1.7.2 */";
        check(&WordPress, &format!("{folder}/hello.php"), one, "hello 1.7.2\n");
        let late = [b"<?php\n".as_slice(), &[b' '; 9000], PLUGIN].concat();
        check(&WordPress, &format!("{folder}/late/late.php"), &late, "");
        check_total(&WordPress, &format!("{folder}/a/a.php"));
    }

    #[test]
    fn themes_and_wordpress_itself() {
        let theme = b"@charset \"UTF-8\";\n/*\nTheme Name: Twenty Twenty-Two\nVersion: 1.3\n*/\n";
        check(&WordPress, "wp-content/themes/twentytwentytwo/style.css", theme, "twentytwentytwo 1.3\n");
        check(&WordPress, "wp-content/themes/x/style.css", b"body {}", "");
        let core = b"<?php\n/**\n * The WordPress version string.\n */\n$wp_version = '6.1.9';\n$wp_db_version = 53496;\n";
        check(&WordPress, "usr/share/wordpress/wp-includes/version.php", core, "wordpress 6.1.9\n");
        check_total(&WordPress, "wp-includes/version.php");
        check_total(&WordPress, "wp-content/themes/x/style.css");
    }
}
