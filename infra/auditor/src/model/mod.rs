//! What the workspace declares, and how names are found in it.

pub mod declarations;
pub mod expression;
pub mod operations;
pub mod program;
pub mod resolution;
pub mod types;
