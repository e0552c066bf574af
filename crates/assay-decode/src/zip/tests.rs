//! Tests of the zip reader against archives built here.
