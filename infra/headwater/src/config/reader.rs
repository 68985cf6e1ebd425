//! Asks for keys by name and type. What was asked for is what is known; the rest is refused at the end, with the nearest known name.

use super::{
    environment::{COMMAND_LINE, variable},
    file::{Given, Value},
    place::{Fault, Faults, Place},
};
use headwater_edge::nearest;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// All values, the faults so far, and the keys that were asked for.
pub(super) struct Reader {
    given: Given,
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    known: BTreeSet<String>,
    places: BTreeMap<String, Place>,
    faults: Vec<Fault>,
}

impl Reader {
    /// `folder` is the file's: its paths are relative to it, those of the environment to where the process runs.
    pub(super) fn new(given: Given, variables: BTreeMap<String, String>, folder: PathBuf) -> Self {
        Self {
            given,
            variables,
            folder,
            known: BTreeSet::new(),
            places: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn take(&mut self, key: &str) -> Option<(Value, Place)> {
        self.known.insert(key.to_owned());
        let in_file = self.given.remove(key);
        let name = variable(key);
        let found = match self.variables.remove(&name) {
            Some(value) => Some((Value::Plain(value), Place::Variable(name))),
            None => in_file,
        };
        if let Some((_, place)) = &found {
            self.places.insert(key.to_owned(), place.clone());
        }
        found
    }

    /// Takes a key's value and types it; `expected` says what `typed` accepts.
    fn get<T>(&mut self, key: &str, expected: &str, typed: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        let (value, place) = self.take(key)?;
        match typed(&value) {
            Ok(typed) => Some(typed),
            Err(why) => {
                let why = if why.is_empty() { why } else { format!(": {why}") };
                let what = format!("{key} must be {expected}, and is {}{why}", value.kind());
                self.faults.push(Fault { place, what });
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.get(key, "a text", |value| text(value).map(str::to_owned))
    }

    /// A text that another type reads.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, key: &str, expected: &str) -> Option<T> {
        self.get(key, expected, |value| {
            text(value)?.trim().parse::<T>().map_err(|error| error.to_string())
        })
    }

    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        Some(self.as_path(key, text))
    }

    /// What was given for a key, as a path: one in a file is seen from its folder.
    pub(super) fn as_path(&self, key: &str, text: String) -> PathBuf {
        match self.place(key) {
            Place::File { .. } => self.in_folder(text),
            _ => text.into(),
        }
    }

    /// A path as seen from the file.
    pub(super) fn in_folder(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    /// A list, each item read on its own. From the environment: separated by commas.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        expected: &str,
        mut item: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.get(key, expected, |value| match value {
            Value::List(items) => items.iter().map(|each| item(text(each)?)).collect(),
            Value::Plain(plain) => plain.split(',').map(|each| item(each.trim())).collect(),
            _ => Err(String::new()),
        })
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.get(key, "true or false", |value| match value {
            Value::Boolean(flag) => Ok(*flag),
            Value::Plain(plain) => plain.parse().map_err(|_| String::new()),
            _ => Err(String::new()),
        })
    }

    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<T> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.get(key, &expected, |value| {
            let number = match value {
                Value::Integer(number) => *number,
                Value::Plain(plain) => plain.parse().map_err(|_| String::new())?,
                _ => return Err(String::new()),
            };
            let number = Some(number).filter(|number| range.contains(number));
            number
                .and_then(|number| T::try_from(number).ok())
                .ok_or_else(String::new)
        })
    }

    pub(super) fn millis(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_millis)
    }

    pub(super) fn seconds(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_secs)
    }

    /// Where a key was given.
    pub(super) fn place(&self, key: &str) -> Place {
        self.places.get(key).cloned().unwrap_or(Place::Missing)
    }

    /// Notes what is wrong with a key, or with its absence.
    pub(super) fn refuse(&mut self, key: &str, what: impl Into<String>) {
        let (place, what) = (self.place(key), what.into());
        self.faults.push(Fault { place, what });
    }

    /// Whether something is wrong with what was read so far.
    pub(super) fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(String::as_str)
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), Faults> {
        let sections: BTreeSet<&str> = self
            .known
            .iter()
            .filter_map(|key| Some(key.split_once('.')?.0))
            .collect();
        let mut unknown_sections = BTreeSet::new();
        let mut faults = Vec::new();
        for (key, (_, place)) in &self.given {
            let what = match key.rsplit_once('.') {
                Some((section, _)) if !sections.contains(section) => {
                    if !unknown_sections.insert(section) {
                        continue;
                    }
                    let hint = hint(section, sections.iter().copied(), |name| format!("[{name}]"));
                    format!("there is no section [{section}]; {hint}")
                }
                Some((_, "")) => continue,
                Some((section, name)) => {
                    let own = self
                        .known
                        .iter()
                        .filter_map(|known| known.strip_prefix(section)?.strip_prefix('.'));
                    let hint = hint(name, own, str::to_owned);
                    format!("[{section}] has no key {name}; {hint}")
                }
                None => {
                    let top = self
                        .known
                        .iter()
                        .map(String::as_str)
                        .filter(|known| !known.contains('.'));
                    let hint = hint(key, top.chain(sections.iter().copied()), str::to_owned);
                    format!("there is no key {key}; {hint}")
                }
            };
            let place = place.clone();
            faults.push(Fault { place, what });
        }
        let variables: Vec<String> = self.known.iter().map(|key| variable(key)).collect();
        for name in self.variables.keys() {
            let names = variables.iter().map(String::as_str).chain(COMMAND_LINE.iter().copied());
            let what = format!("is no variable of Headwater; {}", hint(name, names, str::to_owned));
            let place = Place::Variable(name.clone());
            faults.push(Fault { place, what });
        }
        // Unknown names first: a key that is missing is often one that was misspelt.
        faults.append(&mut self.faults);
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) | Value::Plain(text) => Ok(text),
        _ => Err(String::new()),
    }
}

/// The nearest name, or all of them when none is near.
pub(super) fn hint<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    shown: impl Fn(&str) -> String,
) -> String {
    match nearest(wanted, names.clone()) {
        Some(name) => format!("did you mean {}?", shown(name)),
        None => {
            let all: Vec<String> = names.map(shown).collect();
            if all.len() > 20 {
                return "serve.example.toml has all keys".to_owned();
            }
            format!("there are {}", all.join(", "))
        }
    }
}
