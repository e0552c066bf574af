#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bundle;
mod der;
pub mod dsse;
mod encoding;
pub mod key;
pub mod make;
mod pem;
pub mod predicate;
pub mod signer;
pub mod simple_signing;
pub mod statement;

pub use der::InvalidDer;
pub use encoding::{Base64, InvalidBase64};
