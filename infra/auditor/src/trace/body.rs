//! The state of a walk through bodies: scopes, places that facts are noted at, loops, what is returned.

use super::facts::{Facts, Key, RawSite, Traced};
use crate::model::{
    program::{FunctionId, ModuleId, Program},
    types::{Place, Ty},
};
use proc_macro2::Span;
use std::collections::{BTreeSet, HashMap};
use syn::{Block, Expr, Stmt};

/// What an expression is: its type, and the places that what is said of it is noted at.
#[derive(Clone, Debug)]
pub(super) struct Val {
    pub(super) ty: Ty,
    pub(super) nodes: Vec<usize>,
    /// The values of a tuple.
    pub(super) parts: Vec<Val>,
    /// Whether the type was guessed by a name.
    pub(super) guessed: bool,
    /// Whether these are items of an answer.
    pub(super) items: bool,
}

impl Val {
    pub(super) fn of(ty: Ty) -> Self {
        Self {
            ty,
            nodes: Vec::new(),
            parts: Vec::new(),
            guessed: false,
            items: false,
        }
    }

    pub(super) fn unknown() -> Self {
        Self::of(Ty::Unknown)
    }

    pub(super) fn at(ty: Ty, nodes: Vec<usize>) -> Self {
        Self { nodes, ..Self::of(ty) }
    }

    /// The better known of two, with the places of both.
    pub(super) fn or(mut self, other: Self) -> Self {
        for node in &other.nodes {
            if !self.nodes.contains(node) {
                self.nodes.push(*node);
            }
        }
        if self.ty == Ty::Unknown || matches!(&self.ty, Ty::Tuple(types) if types.is_empty()) {
            self.ty = other.ty;
            self.items |= other.items;
            self.guessed = other.guessed;
        }
        if self.parts.is_empty() {
            self.parts = other.parts;
        }
        self
    }
}

/// What is around an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// `for`, or `while let`: once for each of many.
    Each,
    /// `loop`, `while`.
    Again,
    /// A closure or async block: what is in it need not run where it stands.
    Later,
}

pub(super) struct Tracer<'a> {
    pub(super) program: &'a Program,
    pub(super) file: usize,
    pub(super) place: Place,
    pub(super) scopes: Vec<Vec<(String, Val)>>,
    pub(super) loops: Vec<Around>,
    pub(super) returned: Vec<Val>,
    pub(super) function: usize,
    pub(super) function_name: String,
    pub(super) test: bool,
    /// How many bodies are open.
    pub(super) depth: usize,
    /// Whether the workspace names the SDK at all.
    pub(super) imports: bool,
    functions: usize,
    keys: Vec<Key>,
    facts: Vec<Facts>,
    by_key: HashMap<Key, usize>,
    flows: Vec<(Key, Key)>,
    sites: Vec<RawSite>,
    pub(super) untied: BTreeSet<usize>,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(program: &'a Program, file: usize, module: ModuleId, test: bool, imports: bool) -> Self {
        Self {
            program,
            file,
            place: Place {
                module,
                ..Place::default()
            },
            scopes: Vec::new(),
            loops: Vec::new(),
            returned: Vec::new(),
            function: 0,
            function_name: String::new(),
            test: test || program.modules[module].test,
            depth: 0,
            imports,
            functions: 0,
            keys: Vec::new(),
            facts: Vec::new(),
            by_key: HashMap::new(),
            flows: Vec::new(),
            sites: Vec::new(),
            untied: BTreeSet::new(),
        }
    }

    pub(super) fn finish(self) -> Traced {
        Traced {
            sites: self.sites,
            facts: self.keys.into_iter().zip(self.facts).collect(),
            flows: self.flows,
            untied: self.untied,
        }
    }

    pub(super) fn next_function(&mut self) -> usize {
        self.functions += 1;
        self.functions
    }

    /// The number of a place.
    pub(super) fn node(&mut self, key: Key) -> usize {
        if let Some(known) = self.by_key.get(&key) {
            return *known;
        }
        let number = self.keys.len();
        self.keys.push(key.clone());
        self.facts.push(Facts::default());
        self.by_key.insert(key, number);
        number
    }

    /// A new site.
    pub(super) fn site(&mut self, operation: &'static str, span: Span, sure: u8, value: bool) -> usize {
        let key = Key::Site(self.file, self.sites.len());
        let start = span.start();
        self.sites.push(RawSite {
            key: key.clone(),
            line: start.line,
            column: start.column + 1,
            operation,
            sure,
            test: self.test,
            function: self.function,
            function_name: self.function_name.clone(),
            of_type: self.own_name(),
            value,
        });
        let node = self.node(key);
        if self.loops.iter().any(|around| *around != Around::Later) {
            self.facts[node].looped = true;
        }
        node
    }

    fn own_name(&self) -> Option<String> {
        match self.place.own.as_ref()? {
            Ty::Own(id, _) => Some(self.program.types[*id].name.clone()),
            _ => None,
        }
    }

    /// Notes something at all places of a value.
    pub(super) fn say(&mut self, nodes: &[usize], note: impl Fn(&mut Facts)) {
        for node in nodes {
            note(&mut self.facts[*node]);
        }
    }

    /// From now on the places of a value also have what is said at another.
    pub(super) fn flow(&mut self, nodes: &[usize], to: usize) {
        let to = self.keys[to].clone();
        for node in nodes {
            let from = self.keys[*node].clone();
            if from != to {
                self.flows.push((from, to.clone()));
            }
        }
    }

    /// A place of its own for what one call of a function gives: another caller may go on with it differently.
    pub(super) fn called(&mut self, id: FunctionId) -> usize {
        let node = self.node(Key::Call(self.file, self.keys.len()));
        self.facts[node].called = true;
        self.flows.push((Key::Returned(id), self.keys[node].clone()));
        node
    }

    /// Whether values of a type carry what is said of a request or an answer.
    pub(super) fn carries(&self, ty: &Ty) -> bool {
        matches!(
            self.sdk(ty),
            Some(Ty::Builder(_) | Ty::Output(_) | Ty::Paginator(_) | Ty::Input(_))
        )
    }

    /// The SDK's type that a type is or stands for.
    pub(super) fn sdk(&self, ty: &Ty) -> Option<Ty> {
        let mut ty = ty.clone();
        for _ in 0..6 {
            match ty {
                Ty::Client(_) | Ty::Builder(_) | Ty::Output(_) | Ty::Paginator(_) | Ty::Input(_) => return Some(ty),
                Ty::Function(_, returns) => ty = *returns,
                _ => ty = self.program.inner(&ty)?,
            }
        }
        None
    }

    /// A value leaves the function.
    pub(super) fn leaves(&mut self, value: &Val, known: Option<FunctionId>) {
        for part in &value.parts {
            self.leaves(&part.clone(), known);
        }
        if value.nodes.is_empty() || value.items {
            return;
        }
        let whole = self.sdk(&value.ty);
        if matches!(whole, Some(Ty::Output(_))) {
            // What came in by a parameter is followed from the call.
            for node in &value.nodes {
                if !matches!(self.keys[*node], Key::Parameter(..)) {
                    if known.is_some() {
                        self.facts[*node].returned = true;
                    } else {
                        self.facts[*node].escaped = true;
                    }
                }
            }
        }
        if whole.is_some()
            && let Some(known) = known
        {
            let returned = self.node(Key::Returned(known));
            self.flow(&value.nodes, returned);
        }
    }

    pub(super) fn bind_name(&mut self, name: &str, value: Val) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name.to_owned(), value));
        }
    }

    pub(super) fn local(&self, name: &str) -> Option<&Val> {
        self.scopes.iter().rev().find_map(|scope| {
            scope
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value)
        })
    }

    pub(super) fn assign(&mut self, name: &str, value: Val) {
        for scope in self.scopes.iter_mut().rev() {
            if let Some((_, known)) = scope.iter_mut().rev().find(|(known, _)| known == name) {
                let before = std::mem::replace(known, Val::unknown());
                *known = value.or(before);
                return;
            }
        }
    }

    /// Walks with something around.
    pub(super) fn around<T>(&mut self, around: Around, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.loops.push(around);
        self.scopes.push(Vec::new());
        let made = walk(self);
        self.scopes.pop();
        self.loops.pop();
        made
    }

    pub(super) fn block(&mut self, block: &Block) -> Val {
        self.scopes.push(Vec::new());
        let uses = self.place.uses.len();
        let value = self.statements(&block.stmts);
        self.place.uses.truncate(uses);
        self.scopes.pop();
        value
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Val {
        for statement in statements {
            if let Stmt::Item(item @ syn::Item::Use(_)) = statement {
                self.item(item);
            }
        }
        let mut last = Val::of(Ty::Tuple(Vec::new()));
        for statement in statements {
            last = Val::of(Ty::Tuple(Vec::new()));
            match statement {
                Stmt::Local(local) => self.local_statement(local),
                Stmt::Item(syn::Item::Use(_)) => {}
                Stmt::Item(item) => self.item(item),
                Stmt::Expr(expression, semicolon) => {
                    let value = self.expression(expression);
                    if semicolon.is_none() {
                        last = value;
                    } else if drops(expression) {
                        self.say(&value.nodes, |facts| facts.dropped = true);
                    }
                }
                Stmt::Macro(statement) => {
                    let value = self.macro_call(&statement.mac);
                    if statement.semi_token.is_none() {
                        last = value;
                    }
                }
            }
        }
        last
    }

    fn local_statement(&mut self, local: &syn::Local) {
        let Some(init) = &local.init else {
            self.bind(&local.pat, &Val::unknown());
            return;
        };
        let value = self.expression(&init.expr);
        if matches!(local.pat, syn::Pat::Wild(_)) {
            self.say(&value.nodes, |facts| facts.dropped = true);
        }
        if let Some((_, otherwise)) = &init.diverge {
            self.expression(otherwise);
        }
        self.bind(&local.pat, &value);
    }
}

/// `x.ok();` throws a failure away.
fn drops(expression: &Expr) -> bool {
    matches!(expression, Expr::MethodCall(call) if call.method == "ok" && call.args.is_empty())
}
