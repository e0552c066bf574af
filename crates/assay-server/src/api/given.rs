//! What requests give, read once and bounded.

use crate::problem::Problem;
use assay_model::Timestamp;
use assay_store::Moment;
use std::time::Duration;

/// What a text may be: a line of at most so many bytes.
pub(super) struct Texts {
    name: &'static str,
    longest: usize,
}

impl Texts {
    pub(super) fn new(name: &'static str, longest: usize) -> Self {
        Self { name, longest }
    }

    pub(super) fn of(&self, text: &str) -> Result<String, Problem> {
        if text.len() > self.longest || text.chars().any(char::is_control) {
            return Err(Problem::invalid(format!(
                "{} has up to {} bytes and no control characters",
                self.name, self.longest
            )));
        }
        Ok(text.to_owned())
    }
}

pub(super) fn moment(name: &str, text: &str) -> Result<Moment, Problem> {
    let read = text.parse::<Timestamp>().map(Moment::from);
    read.map_err(|_| Problem::invalid(format!("`{name}` is no time, such as `2030-01-31T00:00:00Z`")))
}

pub(super) fn seconds(name: &str, number: f64, most: Duration) -> Result<Duration, Problem> {
    Duration::try_from_secs_f64(number).ok().filter(|duration| *duration <= most).ok_or_else(|| {
        Problem::invalid(format!("`{name}` is a number of seconds from 0 to {}", most.as_secs()))
    })
}
