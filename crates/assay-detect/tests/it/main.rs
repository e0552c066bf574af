//! What is detected, and what is not.

mod manual;
