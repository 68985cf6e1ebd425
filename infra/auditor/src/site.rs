//! The inventory: every DynamoDB call that was found, with what is known of it.

use serde::{Deserialize, Serialize};

/// How sure a site or finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// By what the request is given; the type of the receiver was not found.
    Low,
    /// By names that mean the same everywhere in the workspace.
    Medium,
    /// By type.
    High,
}

/// How a read that comes in pages is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paging {
    /// `into_paginator()`.
    Paginator,
    /// From key to key.
    Loop,
    /// One page; its last key is read, such as for a cursor.
    Cursor,
    /// The answer is handed on as a whole to code that is not here.
    HandedOn,
    /// One page; its last key is not read.
    None,
}

/// A call of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The file, relative to the root, with `/`.
    pub file: String,
    /// The line of the operation's method name, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// The operation, as the SDK names its method.
    pub operation: String,
    /// The table where it is a literal, a constant or a format string.
    pub table: Option<String>,
    /// The expression that gives the table where it is none of these.
    pub table_expression: Option<String>,
    /// How pages are read; of scans and queries.
    pub paging: Option<Paging>,
    /// Whether the answer is filtered after reading.
    pub filter: bool,
    /// Whether a write has a condition.
    pub condition: bool,
    /// Whether the request has a limit.
    pub limit: bool,
    /// The index, by name or expression.
    pub index: Option<String>,
    /// Whether the read is consistent.
    pub consistent: bool,
    /// Whether it is in code that is declared, or was found, to be a repository.
    pub in_repository: bool,
    /// Whether the code is for tests only.
    pub in_test: bool,
    /// The function around it.
    pub function: String,
    /// Which engine saw it.
    pub engine: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What rules look at besides.
    #[serde(skip)]
    pub details: Details,
}

/// What rules look at besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The number of the function in its file.
    pub function: usize,
    /// The type whose method it is.
    pub of_type: Option<String>,
    /// The limit, where it is a number.
    pub limit: Option<u64>,
    /// Whether the limit may be none.
    pub limit_perhaps: bool,
    /// Whether it was sent in code that is here.
    pub sent: bool,
    /// Whether it is a path taken as a value.
    pub value: bool,
    /// The key condition, where it is text.
    pub key_condition: Option<String>,
    /// The update expression, where it is text.
    pub update: Option<String>,
    /// Whether what was not processed is read.
    pub unprocessed: bool,
    /// How many writes a transaction was seen to be given.
    pub transact: usize,
    /// Whether it is awaited once for each of many.
    pub serial: bool,
    /// Whether only the first item is used.
    pub only_first: bool,
    /// Whether the answer was handed on to code that is not here.
    pub escaped: bool,
    /// Whether a failure is thrown away.
    pub dropped: bool,
}
