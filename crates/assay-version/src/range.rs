//! The grammars of ranges, one file each; npm's stands with its versions.

pub(crate) mod cargo;
pub(crate) mod composer;
pub(crate) mod conan;
pub(crate) mod gem;
pub(crate) mod hex;
pub(crate) mod interval;
pub(crate) mod list;
pub(crate) mod pep440;
pub(crate) mod pub_;
