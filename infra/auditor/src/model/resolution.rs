//! Finds what a path means from within a module: imports, aliases, globs, re-exports, crates of the workspace, the SDK.

use super::{
    expression::Segment,
    program::{Item, ModuleId, Program, TypeId},
};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Something of the workspace.
    Item(Item),
    /// Something in the SDK: the path after the crate's name, and whether it is the crate of streams.
    Sdk(Vec<String>, bool),
    /// Something in a crate that is not here: the path.
    External(Vec<String>),
}

const DEEPEST: usize = 24;

impl Program {
    /// The type of the workspace that a path leads to.
    pub fn type_at(&self, module: ModuleId, path: &[Segment]) -> Option<TypeId> {
        let names: Vec<&str> = path.iter().map(|segment| segment.name.as_str()).collect();
        match self.find(module, &names, false)? {
            Found::Item(Item::Type(id)) => Some(id),
            Found::Item(Item::Alias(id)) => {
                let (module, _, written) = &self.aliases[id];
                match written {
                    super::expression::Written::Path(path) if path.len() < 16 => self.alias_type(*module, path, 0),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn alias_type(&self, module: ModuleId, path: &[Segment], depth: usize) -> Option<TypeId> {
        let names: Vec<&str> = path.iter().map(|segment| segment.name.as_str()).collect();
        match self.find(module, &names, false)? {
            Found::Item(Item::Type(id)) => Some(id),
            Found::Item(Item::Alias(id)) if depth < DEEPEST => match &self.aliases[id] {
                (module, _, super::expression::Written::Path(path)) => self.alias_type(*module, path, depth + 1),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a path leads to: a type or module, or with `value` a function or constant.
    pub fn find(&self, module: ModuleId, path: &[&str], value: bool) -> Option<Found> {
        self.search(module, path, value, 0)
    }

    fn search(&self, module: ModuleId, path: &[&str], value: bool, depth: usize) -> Option<Found> {
        if depth > DEEPEST {
            return None;
        }
        let (first, rest) = path.split_first()?;
        match *first {
            "crate" | "$crate" => return self.within(self.modules[module].root, rest, value, depth),
            "self" if !rest.is_empty() => return self.within(module, rest, value, depth),
            "super" => return self.within(self.modules[module].parent?, rest, value, depth),
            "" => return self.outside(module, rest, value, depth),
            _ => {}
        }
        if rest.is_empty() {
            return self
                .name(module, first, value, depth)
                .or_else(|| self.outside(module, path, value, depth));
        }
        match self.name(module, first, false, depth) {
            Some(found) => self.go_on(found, rest, value, depth),
            None => self.outside(module, path, value, depth),
        }
    }

    /// A path whose first name is a crate.
    fn outside(&self, module: ModuleId, path: &[&str], value: bool, depth: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let renamed = &self.renamed[self.modules[module].package];
        let crate_name = renamed.get(*first).map_or(*first, String::as_str);
        let owned = |path: &[&str]| path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        match crate_name {
            "aws_sdk_dynamodb" => return Some(Found::Sdk(owned(rest), false)),
            "aws_sdk_dynamodbstreams" => return Some(Found::Sdk(owned(rest), true)),
            _ => {}
        }
        if let Some(root) = self.libraries.get(crate_name) {
            if rest.is_empty() {
                return Some(Found::Item(Item::Module(*root)));
            }
            return self.within(*root, rest, value, depth + 1);
        }
        if rest.is_empty() && value {
            return None;
        }
        Some(Found::External(owned(path)))
    }

    fn within(&self, module: ModuleId, path: &[&str], value: bool, depth: usize) -> Option<Found> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Found::Item(Item::Module(module)));
        };
        if *first == "super" {
            return self.within(self.modules[module].parent?, rest, value, depth);
        }
        let found = self.name(module, first, value && rest.is_empty(), depth)?;
        self.go_on(found, rest, value, depth)
    }

    fn go_on(&self, found: Found, rest: &[&str], value: bool, depth: usize) -> Option<Found> {
        if rest.is_empty() {
            return Some(found);
        }
        match found {
            Found::Item(Item::Module(module)) => self.within(module, rest, value, depth + 1),
            Found::Sdk(mut path, streams) => {
                path.extend(rest.iter().map(|name| (*name).to_owned()));
                Some(Found::Sdk(path, streams))
            }
            Found::External(mut path) => {
                path.extend(rest.iter().map(|name| (*name).to_owned()));
                Some(Found::External(path))
            }
            _ => None,
        }
    }

    /// A single name in a module.
    fn name(&self, module: ModuleId, name: &str, value: bool, depth: usize) -> Option<Found> {
        if depth > DEEPEST {
            return None;
        }
        let here = &self.modules[module];
        let names = if value { &here.values } else { &here.types };
        if let Some(item) = names.get(name) {
            return Some(Found::Item(*item));
        }
        for path in here.uses.get(name).into_iter().flatten() {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            // `use a;` where the crate is `a` would find itself.
            let found = if path.len() == 1 && path[0] == name {
                self.outside(module, &path, value, depth + 1)
            } else {
                self.search(module, &path, value, depth + 1)
            };
            if found.is_some() {
                return found;
            }
        }
        for path in &here.globs {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match self.search(module, &path, false, depth + 1) {
                Some(Found::Item(Item::Module(other))) if other != module => {
                    if let Some(found) = self.name(other, name, value, depth + 8) {
                        return Some(found);
                    }
                }
                Some(Found::Sdk(mut path, streams)) if !value && of_sdk(&path, name) => {
                    path.push(name.into());
                    return Some(Found::Sdk(path, streams));
                }
                _ => {}
            }
        }
        None
    }
}

/// Whether a glob of that SDK module brings in that name.
fn of_sdk(path: &[String], name: &str) -> bool {
    match path.last().map(String::as_str) {
        None => [
            "Client",
            "Config",
            "Error",
            "client",
            "config",
            "operation",
            "types",
            "primitives",
            "error",
        ]
        .contains(&name),
        Some("client" | "fluent_builders") => name == "Client" || super::operations::of_camel(name).is_some(),
        _ => {
            ["FluentBuilder", "Input", "Output", "InputBuilder", "Paginator"]
                .iter()
                .any(|end| {
                    name.strip_suffix(end)
                        .is_some_and(|start| super::operations::of_camel(start).is_some())
                })
                || super::operations::named(name).is_some()
        }
    }
}
