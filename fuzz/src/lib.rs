#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a target stops at once when an invariant is broken: that is how it says so"
)]

pub mod mutate;
pub mod seed;
mod target;

use std::fmt;

/// The most bytes that reading an input of at most [`MAX_INPUT`] may hold at once.
///
/// The whole program promises 256 MiB for any image; one file of it must not need all of that.
pub const MEMORY_LIMIT: usize = 256 << 20;

/// The longest input that is tried.
pub const MAX_INPUT: usize = 1 << 20;

/// What a target made of an input: whatever it is, it is the same when the input is.
pub type Outcome = Box<dyn fmt::Debug>;

type Seeds = dyn Fn() -> Vec<Vec<u8>> + Send + Sync;
type Run = dyn Fn(&[u8]) -> Outcome + Send + Sync;

/// One reader of bytes from outside, as a function that any bytes can be given to.
pub struct Target {
    /// Its name: that of the format, with the group before it where the group is a list (`analyzer-dpkg`).
    pub name: String,
    seeds: Box<Seeds>,
    run: Box<Run>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Target {
    fn new<O: fmt::Debug + 'static>(
        name: impl Into<String>,
        seeds: impl Fn() -> Vec<Vec<u8>> + Send + Sync + 'static,
        run: impl Fn(&[u8]) -> O + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), seeds: Box::new(seeds), run: Box::new(move |data| Box::new(run(data))) }
    }

    /// Returns small valid inputs, made by code.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }

    /// Reads `data`.
    ///
    /// # Panics
    /// Panics when what is read breaks an invariant of the target.
    pub fn run(&self, data: &[u8]) -> Outcome {
        (self.run)(data)
    }

    /// Reads `data` twice.
    ///
    /// # Panics
    /// Panics as [`Self::run`] does, and when the second reading says something else.
    pub fn run_twice(&self, data: &[u8]) {
        let (one, other) = (format!("{:?}", self.run(data)), format!("{:?}", self.run(data)));
        if one != other {
            let at = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
            let around =
                |text: &str| -> String { text.chars().skip(at.saturating_sub(40)).take(120).collect() };
            assert_eq!(around(&one), around(&other), "`{}` depends on more than its input", self.name);
        }
    }
}

/// Returns every target. To add one, write it in a file under `target/` and list it there.
pub fn targets() -> Vec<Target> {
    target::GROUPS.iter().flat_map(|group| group()).collect()
}
