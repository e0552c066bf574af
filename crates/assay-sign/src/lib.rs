#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bundle;
pub mod certificate;
mod der;
pub mod dsse;
mod encoding;
pub mod key;
pub mod kms;
pub mod make;
pub mod notation;
mod pem;
pub mod plugin;
pub mod predicate;
mod rekor;
pub mod signer;
pub mod simple_signing;
pub mod statement;
mod timestamp;
pub mod trust;
pub mod verify;

pub use der::InvalidDer;
pub use encoding::{Base64, InvalidBase64};
