//! Observations of a deep scan: what is in an image besides packages, for whoever takes it apart after an incident. They are no
//! findings: nothing is wrong with most of them.

use crate::detection::Detail;
use serde::{Deserialize, Serialize};

/// What an observation is about. Ordered as reports show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Topic {
    /// A program or library, how it was hardened, and the addresses in it.
    Executable,
    /// A library that is linked into a program, or copied into it, without being a file of its own.
    Library,
    /// A file that is no longer what its package installed.
    Modified,
    /// Something that runs by itself: at boot, at login, or at a time.
    Start,
    /// A script that fetches something.
    Download,
    /// An archive lying in the image.
    Archive,
    /// A file whose name or place hides it.
    Hidden,
}

impl Topic {
    /// Every topic, in their order.
    pub const ALL: [Self; 7] = [
        Self::Executable,
        Self::Library,
        Self::Modified,
        Self::Start,
        Self::Download,
        Self::Archive,
        Self::Hidden,
    ];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Library => "library",
            Self::Modified => "modified",
            Self::Start => "start",
            Self::Download => "download",
            Self::Archive => "archive",
            Self::Hidden => "hidden",
        }
    }
}

/// One thing that was observed at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Observation {
    /// What it is about.
    pub topic: Topic,
    /// The path inside the image, without a leading `/`. Analyzers leave it empty for the file itself.
    pub path: String,
    /// The index, in the image's order, of the layer it is in; `None` outside layers. Analyzers leave it out.
    pub layer: Option<u32>,
    /// What was observed.
    pub details: Vec<Detail>,
}

impl Observation {
    /// Returns an observation about the file that is being looked at.
    pub fn new(topic: Topic, details: Vec<Detail>) -> Self {
        Self { topic, path: String::new(), layer: None, details }
    }

    /// Returns the detail of this name.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.as_str())
    }
}
