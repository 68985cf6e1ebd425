//! What is known of a call, and of the places that requests and answers go through on their way.

use crate::model::program::{FunctionId, TypeId};

/// How many items a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    Number(u64),
    /// What an expression says.
    Said,
    /// Perhaps none: `set_limit` of something that is not `Some`.
    Perhaps,
}

/// What was said about a call. All of it only ever grows, so what several places say can be put together in any order.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The table: its name, or the expression that gives it.
    pub table: Option<Said>,
    /// The index.
    pub index: Option<Said>,
    /// The key condition, where it is text.
    pub key_condition: Option<String>,
    /// A limit.
    pub limit: Option<Limit>,
    /// A filter expression (or a condition of the old kind).
    pub filter: bool,
    /// A condition on the write.
    pub condition: bool,
    /// The update expression, where it is text.
    pub update: Option<String>,
    /// A consistent read.
    pub consistent: bool,
    /// Made a paginator.
    pub paginator: bool,
    /// Given a key to start from.
    pub start_key: bool,
    /// Its last key (or next token) was read.
    pub key_read: bool,
    /// What was not processed was read.
    pub unprocessed: bool,
    /// How many writes a transaction was given one by one; in a loop it counts as many.
    pub transact: usize,
    /// Whether it was sent.
    pub sent: bool,
    /// Awaited within a `for` loop.
    pub serial: bool,
    /// Made within any loop.
    pub looped: bool,
    /// Only its first item was taken.
    pub first: bool,
    /// Its items were taken otherwise.
    pub many: bool,
    /// The answer left what can be followed, as a whole.
    pub escaped: bool,
    /// The answer was returned as a whole.
    pub returned: bool,
    /// A function that returns it was called in the workspace.
    pub called: bool,
    /// The failure was thrown away.
    pub dropped: bool,
    /// Builder methods that only DynamoDB has.
    pub telling: usize,
}

/// A text in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A literal, constant or format string.
    Text(String),
    /// An expression.
    Expression(String),
}

impl Facts {
    /// Adds what another place says.
    pub fn add(&mut self, other: &Self) {
        let better = |own: &mut Option<Said>, other: &Option<Said>| {
            if own.is_none() || matches!((&own, other), (Some(Said::Expression(_)), Some(Said::Text(_)))) {
                own.clone_from(other);
            }
        };
        if other.table.is_some() {
            better(&mut self.table, &other.table);
        }
        if other.index.is_some() {
            better(&mut self.index, &other.index);
        }
        if self.key_condition.is_none() {
            self.key_condition.clone_from(&other.key_condition);
        }
        if self.update.is_none() {
            self.update.clone_from(&other.update);
        }
        if self.limit.is_none() {
            self.limit.clone_from(&other.limit);
        }
        self.filter |= other.filter;
        self.condition |= other.condition;
        self.consistent |= other.consistent;
        self.paginator |= other.paginator;
        self.start_key |= other.start_key;
        self.key_read |= other.key_read;
        self.unprocessed |= other.unprocessed;
        self.transact += other.transact;
        self.sent |= other.sent;
        self.serial |= other.serial;
        self.looped |= other.looped;
        self.first |= other.first;
        self.many |= other.many;
        self.escaped |= other.escaped;
        self.returned |= other.returned;
        self.called |= other.called;
        self.dropped |= other.dropped;
        self.telling += other.telling;
    }
}

/// A place that facts are noted at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A call: file, number in the file.
    Site(usize, usize),
    /// A parameter of a function.
    Parameter(FunctionId, usize),
    /// What a function returns.
    Returned(FunctionId),
    /// What one call of a function gives: file, number in the file.
    Call(usize, usize),
    /// A field.
    Field(TypeId, String),
}

/// A call as it was found, before facts are put together.
#[derive(Clone, Debug)]
pub struct RawSite {
    /// Its key.
    pub key: Key,
    /// Line of the operation's name, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The operation.
    pub operation: &'static str,
    /// How sure it is, 2 the type was found, 1 by inference over names, 0 by what the request is given.
    pub sure: u8,
    /// Whether the code is for tests only.
    pub test: bool,
    /// The function around it, by its number in the file.
    pub function: usize,
    /// Its name.
    pub function_name: String,
    /// The type whose method it is.
    pub of_type: Option<String>,
    /// `Client::scan` as a value.
    pub value: bool,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Traced {
    /// Calls, in the order of the walk.
    pub sites: Vec<RawSite>,
    /// Facts by place.
    pub facts: Vec<(Key, Facts)>,
    /// The first place also has what is said at the second.
    pub flows: Vec<(Key, Key)>,
    /// Functions (by number) that read a last key of an answer that could not be followed.
    pub untied: std::collections::BTreeSet<usize>,
}
