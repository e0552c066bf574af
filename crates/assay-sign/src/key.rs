//! Keys: what verifies, and what signs.

mod public;

pub use public::{BadSignature, Hash, InvalidPublicKey, KeyAlgorithm, PublicKey, Scheme};
