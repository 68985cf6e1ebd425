//! From a folder to the files that are audited: the walk, the manifests, the parsing.

pub mod manifest;
pub mod nesting;
pub mod walk;
