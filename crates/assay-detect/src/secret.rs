//! Secrets in files and image configurations.
