//! The statements that Headwater writes, and no others: read word by word, and run over the records of a table.

use super::{
    Refusal,
    table::{Read, Table},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a column of an answer is.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    Bin(i64),
    Time,
    Measure,
    Of(Function),
    Dimension(String),
    InJson(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    Count,
    Sum,
    Min,
    Max,
}

#[derive(Debug)]
enum Condition {
    Is(String, String),
    From(i64),
    To(i64),
    Never,
    In(String, Vec<String>),
}

/// A statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) table: String,
    distinct: bool,
    columns: Vec<Column>,
    conditions: Vec<Condition>,
    grouped: Vec<usize>,
    limit: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Name(String),
    Text(String),
    Sign(char),
}

fn no(why: impl std::fmt::Display) -> Refusal {
    ("ValidationException", format!("The query syntax is invalid: {why}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' => {}
            '"' | '\'' => {
                let mut quoted = String::new();
                loop {
                    match rest.next() {
                        Some(next) if next == c && rest.peek() == Some(&c) => {
                            rest.next();
                            quoted.push(c);
                        }
                        Some(next) if next == c => break,
                        Some(next) => quoted.push(next),
                        None => return Err(no("a quote is not closed")),
                    }
                }
                tokens.push(if c == '"' {
                    Token::Name(quoted)
                } else {
                    Token::Text(quoted)
                });
            }
            c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => {
                let mut word = c.to_string();
                while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | ':')) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            '(' | ')' | ',' | '=' | '<' | '>' | '.' => tokens.push(Token::Sign(c)),
            other => return Err(no(format!("{other:?}"))),
        }
    }
    Ok(tokens)
}

/// What is left of a statement.
struct Rest(std::iter::Peekable<std::vec::IntoIter<Token>>);

impl Rest {
    fn is(&mut self, wanted: &Token) -> bool {
        self.0.next_if(|token| token == wanted).is_some()
    }

    fn word(&mut self, wanted: &str) -> bool {
        self.is(&Token::Word(wanted.to_owned()))
    }

    fn sign(&mut self, wanted: char) -> Result<(), Refusal> {
        match self.is(&Token::Sign(wanted)) {
            true => Ok(()),
            false => Err(no(format!("{wanted:?} is missing before {:?}", self.0.peek()))),
        }
    }

    fn number(&mut self) -> Result<i64, Refusal> {
        match self.0.next() {
            Some(Token::Word(word)) => word.parse().map_err(|_| no(format!("{word} is no number"))),
            other => Err(no(format!("{other:?} is no number"))),
        }
    }

    fn text(&mut self) -> Result<String, Refusal> {
        match self.0.next() {
            Some(Token::Text(text)) => Ok(text),
            other => Err(no(format!("{other:?} is no text"))),
        }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.0.next() {
            Some(Token::Name(name)) => Ok(name),
            other => Err(no(format!("{other:?} is no name"))),
        }
    }

    /// `("dimensions", '$.key')`.
    fn in_json(&mut self) -> Result<String, Refusal> {
        self.sign('(')?;
        let column = self.name()?;
        self.sign(',')?;
        let path = self.text()?;
        self.sign(')')?;
        let key = path
            .strip_prefix("$.")
            .filter(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let key = key.filter(|_| column == "dimensions");
        key.map(str::to_owned)
            .ok_or_else(|| no(format!("the path {path} of {column}")))
    }

    fn measure(&mut self) -> Result<(), Refusal> {
        match self.word("measure_value::double") {
            true => Ok(()),
            false => Err(no("a function is of the measure")),
        }
    }

    fn column(&mut self) -> Result<Column, Refusal> {
        let word = match self.0.next() {
            Some(Token::Name(name)) => return Ok(Column::Dimension(name)),
            Some(Token::Word(word)) => word,
            other => return Err(no(format!("{other:?} is no column"))),
        };
        match word.as_str() {
            "measure_value::double" => Ok(Column::Measure),
            "json_extract_scalar" => self.in_json().map(Column::InJson),
            "to_nanoseconds" => {
                self.sign('(')?;
                let column = if self.word("bin") {
                    self.sign('(')?;
                    if !self.word("time") {
                        return Err(no("bins are of time"));
                    }
                    self.sign(',')?;
                    let Some(Token::Word(length)) = self.0.next() else {
                        return Err(no("a bin has a length"));
                    };
                    let seconds = length.strip_suffix('s').and_then(|length| length.parse::<i64>().ok());
                    self.sign(')')?;
                    Column::Bin(seconds.ok_or_else(|| no("a bin has seconds"))? * 1_000_000_000)
                } else if self.word("time") {
                    Column::Time
                } else {
                    return Err(no("only times have nanoseconds"));
                };
                self.sign(')')?;
                Ok(column)
            }
            function => {
                let of = match function {
                    "count" => Function::Count,
                    "sum" => Function::Sum,
                    "min" => Function::Min,
                    "max" => Function::Max,
                    other => return Err(no(format!("{other} is unknown here"))),
                };
                self.sign('(')?;
                self.measure()?;
                self.sign(')')?;
                Ok(Column::Of(of))
            }
        }
    }

    fn nanoseconds(&mut self) -> Result<i64, Refusal> {
        if !self.word("from_nanoseconds") {
            return Err(no("times are of nanoseconds"));
        }
        self.sign('(')?;
        let number = self.number()?;
        self.sign(')').map(|()| number)
    }

    fn condition(&mut self) -> Result<Condition, Refusal> {
        if self.word("false") {
            return Ok(Condition::Never);
        }
        if self.word("time") {
            if self.is(&Token::Sign('>')) {
                self.sign('=')?;
                return self.nanoseconds().map(Condition::From);
            }
            self.sign('<')?;
            return self.nanoseconds().map(Condition::To);
        }
        if self.word("json_extract_scalar") {
            let key = self.in_json()?;
            if !self.word("IN") {
                return Err(no("IN is missing"));
            }
            self.sign('(')?;
            let mut values = vec![self.text()?];
            while self.is(&Token::Sign(',')) {
                values.push(self.text()?);
            }
            self.sign(')')?;
            return Ok(Condition::In(key, values));
        }
        let name = self.name()?;
        self.sign('=')?;
        Ok(Condition::Is(name, self.text()?))
    }
}

pub(super) fn parse(text: &str) -> Result<Statement, Refusal> {
    let mut rest = Rest(tokens(text)?.into_iter().peekable());
    if !rest.word("SELECT") {
        return Err(no("SELECT is missing"));
    }
    let distinct = rest.word("DISTINCT");
    let mut columns = vec![rest.column()?];
    while rest.is(&Token::Sign(',')) {
        columns.push(rest.column()?);
    }
    if !rest.word("FROM") || rest.name()? != "headwater" {
        return Err(no("FROM a table of the database headwater is missing"));
    }
    rest.sign('.')?;
    let table = rest.name()?;
    if !rest.word("WHERE") {
        return Err(no("WHERE is missing"));
    }
    let mut conditions = vec![rest.condition()?];
    while rest.word("AND") {
        conditions.push(rest.condition()?);
    }
    // No statement is without its tenant.
    if !matches!(&conditions[0], Condition::Is(name, _) if name == "tenant") {
        return Err(no("a statement without a tenant"));
    }
    let mut grouped = Vec::new();
    if rest.word("GROUP") {
        if !rest.word("BY") {
            return Err(no("BY is missing"));
        }
        loop {
            let number = usize::try_from(rest.number()?)
                .ok()
                .and_then(|number| number.checked_sub(1));
            grouped.push(
                number
                    .filter(|number| *number < columns.len())
                    .ok_or_else(|| no("no such column"))?,
            );
            if !rest.is(&Token::Sign(',')) {
                break;
            }
        }
    }
    let limit = if rest.word("LIMIT") { rest.number()? } else { i64::MAX };
    match rest.0.next() {
        None => Ok(Statement {
            table,
            distinct,
            columns,
            conditions,
            grouped,
            limit: usize::try_from(limit).unwrap_or(0),
        }),
        Some(token) => Err(no(format!("{token:?} is too much"))),
    }
}

fn in_json(record: &Read<'_>, key: &str) -> Option<String> {
    let read: Value = serde_json::from_str(record.dimensions.get("dimensions")?).ok()?;
    read[key].as_str().map(str::to_owned)
}

fn holds(record: &Read<'_>, condition: &Condition) -> bool {
    match condition {
        Condition::Is(name, value) => record.dimensions.get(name) == Some(value),
        Condition::From(time) => record.time >= *time,
        Condition::To(time) => record.time < *time,
        Condition::Never => false,
        Condition::In(key, values) => in_json(record, key).is_some_and(|value| values.contains(&value)),
    }
}

/// The value of a column of one record; none is null.
fn plain(record: &Read<'_>, column: &Column) -> Option<String> {
    match column {
        Column::Bin(length) => Some((record.time - record.time.rem_euclid(*length)).to_string()),
        Column::Time => Some(record.time.to_string()),
        Column::Measure => Some(record.value.to_string()),
        Column::Dimension(name) => record.dimensions.get(name).cloned(),
        Column::InJson(key) => in_json(record, key),
        Column::Of(_) => None,
    }
}

fn of(function: Function, values: &[f64]) -> String {
    let number = match function {
        Function::Count => return values.len().to_string(),
        Function::Sum => values.iter().sum(),
        Function::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Function::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    };
    match number.is_infinite() {
        true if number > 0.0 => "Infinity".to_owned(),
        true => "-Infinity".to_owned(),
        false => format!("{number:e}").replace('e', "E"),
    }
}

fn row(values: impl Iterator<Item = Option<String>>) -> Value {
    let data: Vec<Value> = values
        .map(|value| match value {
            Some(value) => json!({ "ScalarValue": value }),
            None => json!({ "NullValue": true }),
        })
        .collect();
    json!({ "Data": data })
}

pub(super) fn run(statement: &Statement, table: &Table) -> Result<Vec<Value>, Refusal> {
    if table.read().next().is_none() {
        // A table has the columns of the records that it was given.
        return Err((
            "ValidationException",
            "line 1:8: Column 'tenant' does not exist".to_owned(),
        ));
    }
    let found = table
        .read()
        .filter(|record| statement.conditions.iter().all(|one| holds(record, one)));
    let aggregates = statement.columns.iter().any(|column| matches!(column, Column::Of(_)));
    let mut rows: Vec<Value> = if aggregates {
        let mut groups: BTreeMap<Vec<Option<String>>, Vec<f64>> = BTreeMap::new();
        for record in found {
            let key = statement
                .grouped
                .iter()
                .map(|at| plain(&record, &statement.columns[*at]));
            groups.entry(key.collect()).or_default().push(record.value);
        }
        let bins = groups.iter().map(|(key, values)| {
            let mut key = statement.grouped.iter().zip(key).collect::<BTreeMap<_, _>>();
            row(statement.columns.iter().enumerate().map(|(at, column)| match column {
                Column::Of(function) => Some(of(*function, values)),
                _ => key.remove(&at).cloned().flatten(),
            }))
        });
        bins.collect()
    } else {
        let plain = found.map(|record| {
            statement
                .columns
                .iter()
                .map(|column| plain(&record, column))
                .collect::<Vec<_>>()
        });
        match statement.distinct {
            true => plain
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|values| row(values.into_iter()))
                .collect(),
            false => plain.map(|values| row(values.into_iter())).collect(),
        }
    };
    rows.truncate(statement.limit);
    Ok(rows)
}
