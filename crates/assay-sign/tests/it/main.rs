//! Evidence that other people made, against the verifier.

mod conformance;
