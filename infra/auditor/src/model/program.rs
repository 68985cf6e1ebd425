//! All declarations of a workspace in one place: modules, types, functions, impl blocks.

use super::{
    declarations::{Declaration, Function, Generic, Kind},
    expression::{Segment, Written},
};
use crate::input::manifest::{Manifest, normal};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// Index of a module.
pub type ModuleId = usize;
/// Index of a type.
pub type TypeId = usize;
/// Index of a function.
pub type FunctionId = usize;

/// A module.
#[derive(Debug, Default)]
pub struct Module {
    /// The root module of its crate.
    pub root: ModuleId,
    /// The module around it.
    pub parent: Option<ModuleId>,
    /// Modules, types, aliases by name.
    pub types: HashMap<String, Item>,
    /// Functions and constants by name.
    pub values: HashMap<String, Item>,
    /// Imports by name: the path.
    pub uses: HashMap<String, Vec<Vec<String>>>,
    /// Paths imported with `*`.
    pub globs: Vec<Vec<String>>,
    /// Whether it is compiled for tests only.
    pub test: bool,
    /// Which crate's dependencies its paths begin with.
    pub package: usize,
}

/// What a name of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A module.
    Module(ModuleId),
    /// A type or trait.
    Type(TypeId),
    /// An alias.
    Alias(usize),
    /// A function.
    Function(FunctionId),
    /// A constant or static.
    Constant(usize),
}

/// A struct, enum or trait.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// Which of the three.
    pub kind: Kind,
    /// Where it is.
    pub module: ModuleId,
    /// Its generic parameters.
    pub generics: Vec<Generic>,
    /// Its fields.
    pub fields: HashMap<String, Written>,
    /// A trait's methods.
    pub functions: HashMap<String, FunctionId>,
    /// A trait's associated types.
    pub associated: Vec<Generic>,
    /// What a trait requires.
    pub supertraits: Vec<Vec<Segment>>,
    /// The impl blocks of the type; of a trait those that implement it.
    pub impls: Vec<usize>,
}

/// An impl block.
#[derive(Debug)]
pub struct Impl {
    /// Where it is.
    pub module: ModuleId,
    /// Its generic parameters.
    pub generics: Vec<Generic>,
    /// Whose it is.
    pub of: Written,
    /// Of which trait.
    pub r#trait: Option<Vec<Segment>>,
    /// Its functions.
    pub functions: HashMap<String, FunctionId>,
    /// Its associated types.
    pub associated: Vec<(String, Written)>,
    /// Its string constants.
    pub constants: Vec<(String, String)>,
}

/// A function with where it is.
#[derive(Debug)]
pub struct Placed {
    /// Its signature.
    pub function: Function,
    /// Where it is.
    pub module: ModuleId,
    /// The impl block around it.
    pub within: Option<usize>,
    /// The trait around it.
    pub of_trait: Option<TypeId>,
}

/// What a workspace declares.
#[derive(Debug, Default)]
pub struct Program {
    /// Modules.
    pub modules: Vec<Module>,
    /// Types.
    pub types: Vec<Type>,
    /// Aliases: where, generic parameters, what.
    pub aliases: Vec<(ModuleId, Vec<Generic>, Written)>,
    /// Functions.
    pub functions: Vec<Placed>,
    /// Constants: where, type, text.
    pub constants: Vec<(ModuleId, Written, Option<String>)>,
    /// Impl blocks.
    pub impls: Vec<Impl>,
    /// Impl blocks of types that are not the workspace's, and blanket ones.
    pub foreign_impls: Vec<usize>,
    /// The root modules of libraries by their name in code.
    pub libraries: HashMap<String, ModuleId>,
    /// For each package: names in code and what they stand for.
    pub renamed: Vec<BTreeMap<String, String>>,
    /// The module of each file.
    pub of_file: Vec<ModuleId>,
    /// Methods by name, over all types.
    pub methods: HashMap<String, Vec<FunctionId>>,
    /// Fields by name, over all types.
    pub fields: HashMap<String, Vec<TypeId>>,
}

/// A file that was parsed.
#[derive(Debug)]
pub struct Source {
    /// Relative to the root.
    pub path: PathBuf,
    /// What it declares.
    pub declarations: Vec<Declaration>,
}

struct Building<'a> {
    program: Program,
    sources: &'a [Source],
    by_path: HashMap<&'a Path, usize>,
    taken: BTreeSet<usize>,
}

impl Program {
    /// Puts together what the files declare.
    pub fn build(sources: &[Source], manifests: &[Manifest], shared: &BTreeMap<String, String>) -> Self {
        let mut building = Building {
            program: Self::default(),
            sources,
            by_path: sources
                .iter()
                .enumerate()
                .map(|(at, source)| (source.path.as_path(), at))
                .collect(),
            taken: BTreeSet::new(),
        };
        building.program.of_file = vec![usize::MAX; sources.len()];
        for manifest in manifests {
            let mut renamed = shared.clone();
            renamed.extend(manifest.renamed.clone());
            building.program.renamed.push(renamed);
        }
        building.program.renamed.push(shared.clone());
        building.roots(manifests);
        building.program.index();
        building.program
    }

    fn index(&mut self) {
        for at in 0..self.functions.len() {
            if self.functions[at].within.is_some() || self.functions[at].of_trait.is_some() {
                let name = self.functions[at].function.name.clone();
                self.methods.entry(name).or_default().push(at);
            }
        }
        for (at, ty) in self.types.iter().enumerate() {
            for field in ty.fields.keys() {
                self.fields.entry(field.clone()).or_default().push(at);
            }
        }
        for at in 0..self.impls.len() {
            let placed = &self.impls[at];
            let own = match &placed.of {
                Written::Path(path) => self.type_at(placed.module, path),
                Written::Bounds(bounds) => bounds.first().and_then(|path| self.type_at(placed.module, path)),
                _ => None,
            };
            let of_trait = placed
                .r#trait
                .as_ref()
                .and_then(|path| self.type_at(placed.module, path));
            match own {
                Some(own) => self.types[own].impls.push(at),
                None => self.foreign_impls.push(at),
            }
            if let Some(of_trait) = of_trait
                && own != Some(of_trait)
            {
                self.types[of_trait].impls.push(at);
            }
        }
    }
}

impl Building<'_> {
    fn roots(&mut self, manifests: &[Manifest]) {
        let no_package = manifests.len();
        // The deepest folder with a manifest owns a file.
        let owner = |path: &Path| {
            manifests
                .iter()
                .enumerate()
                .filter(|(_, manifest)| path.starts_with(&manifest.folder))
                .max_by_key(|(_, manifest)| manifest.folder.components().count())
                .map_or(no_package, |(at, _)| at)
        };
        let mut roots: Vec<usize> = Vec::new();
        for manifest in manifests {
            roots.extend(
                manifest
                    .roots
                    .iter()
                    .filter_map(|path| self.by_path.get(path.as_path()).copied()),
            );
            for usual in ["src/lib.rs", "src/main.rs", "build.rs"] {
                roots.extend(self.by_path.get(manifest.folder.join(usual).as_path()).copied());
            }
        }
        for (at, source) in self.sources.iter().enumerate() {
            let name = source.path.file_name().unwrap_or_default();
            if name == "lib.rs" || name == "main.rs" {
                roots.push(at);
            }
        }
        // `src/bin/*.rs`, `tests/*.rs` and the like, then whatever no module names.
        for (at, source) in self.sources.iter().enumerate() {
            let folder = source.path.parent().and_then(Path::file_name).unwrap_or_default();
            if folder == "bin" || folder == "tests" || folder == "benches" || folder == "examples" {
                let above = source.path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
                if folder == "bin" || manifests.iter().any(|manifest| manifest.folder == above) {
                    roots.push(at);
                }
            }
        }
        for root in roots {
            self.root(root, owner(&self.sources[root].path), manifests);
        }
        for at in 0..self.sources.len() {
            if !self.taken.contains(&at) {
                self.root(at, owner(&self.sources[at].path), manifests);
            }
        }
    }

    fn root(&mut self, file: usize, package: usize, manifests: &[Manifest]) {
        if !self.taken.insert(file) {
            return;
        }
        let sources = self.sources;
        let path = &sources[file].path;
        let within = manifests.get(package).map_or(path.as_path(), |manifest| {
            path.strip_prefix(&manifest.folder).unwrap_or(path)
        });
        let test = within.starts_with("tests") || within.starts_with("benches");
        let module = self.module(None, package, test);
        if let Some(manifest) = manifests.get(package) {
            let declared = manifest.roots.iter().any(|root| root == path);
            if *path == manifest.folder.join("src/lib.rs")
                || declared && path.file_name().is_some_and(|name| name != "main.rs")
            {
                self.program.libraries.entry(manifest.library.clone()).or_insert(module);
            }
        }
        self.program.of_file[file] = module;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        self.declare(module, &sources[file].declarations, &folder, 0);
    }

    fn module(&mut self, parent: Option<ModuleId>, package: usize, test: bool) -> ModuleId {
        let id = self.program.modules.len();
        let around = parent.map(|parent| &self.program.modules[parent]);
        let made = Module {
            root: around.map_or(id, |around| around.root),
            parent,
            test: test || around.is_some_and(|around| around.test),
            package,
            ..Module::default()
        };
        self.program.modules.push(made);
        id
    }

    /// `folder` is where the files of this module's modules are.
    fn declare(&mut self, module: ModuleId, declarations: &[Declaration], folder: &Path, depth: usize) {
        if depth > 64 {
            return;
        }
        for declaration in declarations {
            match declaration {
                Declaration::Module(name, test, inner) => {
                    let package = self.program.modules[module].package;
                    let made = self.module(Some(module), package, *test);
                    self.program.modules[module]
                        .types
                        .entry(name.clone())
                        .or_insert(Item::Module(made));
                    self.declare(made, inner, &folder.join(name), depth + 1);
                }
                Declaration::File(name, path, test) => self.file(module, name, path.as_deref(), *test, folder, depth),
                Declaration::Use(path, here) => {
                    let module = &mut self.program.modules[module];
                    if here == "*" {
                        module.globs.push(path.clone());
                    } else {
                        module.uses.entry(here.clone()).or_default().push(path.clone());
                    }
                }
                other => self.item(module, other),
            }
        }
    }

    fn file(&mut self, module: ModuleId, name: &str, path: Option<&str>, test: bool, folder: &Path, depth: usize) {
        let plain = name.strip_prefix("r#").unwrap_or(name);
        let candidates = match path {
            Some(path) => vec![
                normal(&folder.join(path)),
                normal(&folder.parent().unwrap_or(Path::new("")).join(path)),
            ],
            None => vec![folder.join(format!("{plain}.rs")), folder.join(plain).join("mod.rs")],
        };
        let Some(file) = candidates
            .iter()
            .find_map(|path| self.by_path.get(path.as_path()).copied())
        else {
            return;
        };
        if !self.taken.insert(file) {
            // Two modules of one file: the first has it; the other sees the same names.
            let known = self.program.of_file[file];
            if known != usize::MAX {
                self.program.modules[module]
                    .types
                    .entry(name.into())
                    .or_insert(Item::Module(known));
            }
            return;
        }
        let package = self.program.modules[module].package;
        let made = self.module(Some(module), package, test);
        self.program.of_file[file] = made;
        self.program.modules[module]
            .types
            .entry(name.into())
            .or_insert(Item::Module(made));
        let sources = self.sources;
        let at = &sources[file].path;
        let parent = at.parent().unwrap_or(Path::new(""));
        let inner = if at.file_name().is_some_and(|name| name == "mod.rs") {
            parent.to_owned()
        } else {
            parent.join(at.file_stem().unwrap_or_default())
        };
        self.declare(made, &sources[file].declarations, &inner, depth + 1);
    }

    fn item(&mut self, module: ModuleId, declaration: &Declaration) {
        match declaration {
            Declaration::Type {
                name,
                kind,
                generics,
                fields,
                functions,
                associated,
                supertraits,
            } => {
                let id = self.program.types.len();
                self.program.types.push(Type {
                    name: name.clone(),
                    kind: *kind,
                    module,
                    generics: generics.clone(),
                    fields: fields.iter().cloned().collect(),
                    functions: HashMap::new(),
                    associated: associated.clone(),
                    supertraits: supertraits.clone(),
                    impls: Vec::new(),
                });
                for function in functions {
                    let placed = self.function(function, module, None, Some(id));
                    self.program.types[id].functions.insert(function.name.clone(), placed);
                }
                self.program.modules[module]
                    .types
                    .entry(name.clone())
                    .or_insert(Item::Type(id));
            }
            Declaration::Alias(name, generics, written) => {
                let id = self.program.aliases.len();
                self.program.aliases.push((module, generics.clone(), written.clone()));
                self.program.modules[module]
                    .types
                    .entry(name.clone())
                    .or_insert(Item::Alias(id));
            }
            Declaration::Function(function) => {
                let id = self.function(function, module, None, None);
                self.program.modules[module]
                    .values
                    .entry(function.name.clone())
                    .or_insert(Item::Function(id));
            }
            Declaration::Constant(name, written, text) => {
                let id = self.program.constants.len();
                self.program.constants.push((module, written.clone(), text.clone()));
                self.program.modules[module]
                    .values
                    .entry(name.clone())
                    .or_insert(Item::Constant(id));
            }
            Declaration::Impl {
                generics,
                of,
                r#trait,
                functions,
                associated,
                constants,
            } => {
                let id = self.program.impls.len();
                self.program.impls.push(Impl {
                    module,
                    generics: generics.clone(),
                    of: of.clone(),
                    r#trait: r#trait.clone(),
                    functions: HashMap::new(),
                    associated: associated.clone(),
                    constants: constants.clone(),
                });
                for function in functions {
                    let placed = self.function(function, module, Some(id), None);
                    self.program.impls[id].functions.insert(function.name.clone(), placed);
                }
            }
            Declaration::Module(..) | Declaration::File(..) | Declaration::Use(..) => {}
        }
    }

    fn function(
        &mut self,
        function: &Function,
        module: ModuleId,
        within: Option<usize>,
        of_trait: Option<TypeId>,
    ) -> FunctionId {
        let id = self.program.functions.len();
        self.program.functions.push(Placed {
            function: function.clone(),
            module,
            within,
            of_trait,
        });
        id
    }
}
