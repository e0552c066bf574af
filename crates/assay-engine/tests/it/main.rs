//! The pipeline from its outside: images in, inventories out.

mod cache;
