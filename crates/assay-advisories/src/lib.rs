#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod feed;
pub mod sink;

pub use feed::{FEEDS, Feed, FeedFile};
pub use sink::AdvisorySink;
