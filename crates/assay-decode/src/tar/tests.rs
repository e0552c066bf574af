//! Tests of the tar reader against archives built here, byte by byte.
