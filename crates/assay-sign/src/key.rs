//! Keys: what verifies, and what signs.

mod file;
mod private;
mod public;
mod reference;

pub use file::{InvalidKeyFile, KeyFile, MAX_FILE, OpenKeyError};
pub use private::{CannotGenerate, InvalidPrivateKey, NewKey, PrivateKey, UnknownKind};
pub use public::{BadSignature, Hash, InvalidPublicKey, KeyAlgorithm, PublicKey, Scheme};
pub use reference::{InvalidKeyReference, KeyReference, PluginKey, Service, ServiceKey};
