//! The output formats: one file each, and the list of them all.

use assay_model::{Report, Timestamp};
use std::io::{self, Write};

mod csv;
mod cyclonedx;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod spdx;
mod table;
mod template;

pub use json::{ReadReportError, SCHEMA as JSON_SCHEMA, read};
pub use markdown::escape as escape_markdown;
pub use template::TemplateText;

/// Writes a report for one kind of reader.
pub trait Format: Sync {
    /// Returns the name given to `--format`.
    fn name(&self) -> &'static str;

    /// Writes `report`, whose findings are those to be shown.
    ///
    /// The same report and options give the same bytes. Text from the image is escaped for the medium.
    ///
    /// # Errors
    /// Fails only as `out` does.
    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()>;
}

impl std::fmt::Debug for dyn Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every format, the default first.
pub const FORMATS: &[&dyn Format] = &[
    &table::Table,
    &json::Json,
    &sarif::Sarif,
    &cyclonedx::CycloneDx,
    &spdx::Spdx,
    &junit::Junit,
    &markdown::Markdown,
    &html::Html,
    &github::Github,
    &gitlab::Gitlab,
    &csv::Csv,
    &template::Template,
];

/// Returns the format of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// How findings are put together for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    /// Under the package they are about.
    #[default]
    Package,
    /// In one table, worst first.
    Severity,
}

/// How a report is shown. Nothing here changes what is true.
#[derive(Debug, Clone)]
pub struct Options {
    /// The width of the terminal in columns.
    pub width: u16,
    /// Whether colours may be used.
    pub color: bool,
    /// How findings are put together.
    pub group: Group,
    /// Whether the path to each finding's priority is written out.
    pub explain_priority: bool,
    /// Whether all that could be removed is listed, rather than summed up.
    pub removable: bool,
    /// Whether suppressed findings are listed in the table, rather than counted.
    pub suppressed: bool,
    /// How many findings a filter has left out.
    pub hidden: u64,
    /// The user's own template, for the format of that name.
    pub template: Option<TemplateText>,
    /// The time to state in formats that state one; the image's own where there is none.
    pub time: Option<Timestamp>,
    /// The version of Assay, for formats that name their tool.
    pub version: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 100,
            color: false,
            group: Group::default(),
            explain_priority: false,
            removable: false,
            suppressed: false,
            hidden: 0,
            template: None,
            time: None,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
