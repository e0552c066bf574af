#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod closure;
pub mod define;
pub mod evaluate;
pub mod exception;
pub mod export;
pub mod expression;
pub mod facts;
pub mod fixture;
pub mod import;
pub mod pattern;
pub mod policy;
pub mod predicate;
pub mod profile;
mod read;
pub mod reasons;
pub mod render;
pub mod rule;
pub mod schema;
pub mod selector;
pub mod spelling;
mod synthetic;
mod threshold;
pub mod tree;
pub mod trust;
mod variables;
pub mod verdict;
mod words;
mod yaml;

pub use evaluate::evaluate;
pub use facts::Facts;
pub use policy::Policy;
pub use tree::Problem;
pub use verdict::{Decision, Effect, Reason, Verdict};
