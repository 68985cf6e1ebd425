//! Why a command was refused by the domain.

/// A rule of the domain forbids the command. The texts are for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// A stable code in kebab case: `already-exists`.
    pub code: &'static str,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// Where in the payload, as a JSON pointer; empty for the command as a whole.
    pub pointer: String,
}

impl Rejection {
    /// The code of [`Rejection::not_found`], which edges answer as 404.
    pub const NOT_FOUND: &'static str = "not-found";

    /// The command is addressed to something that does not exist.
    pub fn not_found() -> Self {
        Self {
            code: Self::NOT_FOUND,
            detail: "there is nothing with this id; create it first".into(),
            pointer: String::new(),
        }
    }

    /// The command would create what exists.
    pub fn already_exists() -> Self {
        Self {
            code: "already-exists",
            detail: "this id exists already; choose another".into(),
            pointer: String::new(),
        }
    }

    /// A rule is broken by the command as a whole.
    pub fn rule(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: String::new(),
        }
    }

    /// A rule is broken by one member of the payload.
    pub fn field(code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: pointer.into(),
        }
    }
}
