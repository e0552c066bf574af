#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod apk;
mod composer;
mod conan;
mod deb;
mod gem;
mod generic;
mod golang;
mod hex;
mod interval;
mod maven;
mod npm;
mod nuget;
mod order;
mod pacman;
mod pep440;
mod pub_;
mod range;
mod requirement;
mod rpm;
mod scan;
mod semver;
mod sort;
#[cfg(test)]
mod testing;

pub use interval::{End, Interval, contains};
pub use order::{InvalidVersion, MAX_VERSION_LENGTH, compare, is_prerelease, is_valid};
pub use requirement::{InvalidRequirement, MAX_REQUIREMENT_LENGTH, satisfies};
pub use sort::sort;
