//! What is detected, and what is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod manual;
