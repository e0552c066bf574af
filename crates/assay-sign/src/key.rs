//! Keys: what verifies, and what signs.
