//! The source engine: files to declarations, declarations to a program, bodies to sites. Files are read by as many threads as there are processors;
//! what they find is put together in the order of the files, so the result does not depend on them.

use crate::{
    input::{
        manifest::{self, Manifest},
        nesting,
        walk::{self, Unread},
    },
    model::{
        declarations::{self, Declaration},
        operations,
        program::{Program, Source},
    },
    site::{Confidence, Details, Paging, Site},
    trace::{self, Facts, Key, Limit, RawSite, Said, Traced},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What the source engine found.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Calls, by file, line and column.
    pub sites: Vec<Site>,
    /// Files that were not audited.
    pub unread: Vec<Unread>,
    /// How many files were.
    pub files: usize,
    /// How many lines they have.
    pub lines: usize,
    /// The folders of packages, with their names.
    pub packages: Vec<(String, String)>,
}

struct Parsed {
    declarations: Vec<Declaration>,
    lines: usize,
    relevant: bool,
    imports: bool,
}

/// Words that make a file worth tracing besides the names of operations.
const WORDS: &[&str] = &[
    "evaluated_key",
    "start_key",
    "paginator",
    "FluentBuilder",
    "unprocessed_",
    "QueryOutput",
    "ScanOutput",
];

/// Audits the Rust files below `root`.
pub fn run(root: &Path) -> Inventory {
    let mut found = walk::walk(root);
    let parsed = on_all(&found.sources, |path| parse(root, path));
    let mut manifests: Vec<Manifest> = Vec::new();
    let mut shared = BTreeMap::new();
    for path in &found.manifests {
        manifests.extend(manifest::read(root, path));
        shared.extend(manifest::workspace_renames(root, path));
    }
    let mut sources = Vec::new();
    let mut relevant = Vec::new();
    let mut lines = 0;
    let mut imports = manifests.iter().any(|manifest| {
        manifest
            .renamed
            .values()
            .any(|package| package.starts_with("aws_sdk_dynamodb"))
    });
    for (path, parsed) in found.sources.iter().zip(parsed) {
        match parsed {
            Ok(parsed) => {
                imports |= parsed.imports;
                lines += parsed.lines;
                if parsed.relevant {
                    relevant.push(sources.len());
                }
                sources.push(Source {
                    path: path.clone(),
                    declarations: parsed.declarations,
                });
            }
            Err(reason) => found.unread.push(Unread {
                file: walk::shown(path),
                reason,
            }),
        }
    }
    let program = Program::build(&sources, &manifests, &shared);
    let names: Vec<String> = sources.iter().map(|source| walk::shown(&source.path)).collect();
    let paths: Vec<_> = sources.into_iter().map(|source| source.path).collect();
    let traced = if imports {
        on_all(&relevant, |file| {
            let text = std::fs::read_to_string(root.join(&paths[*file])).ok()?;
            let syntax = syn::parse_file(text.trim_start_matches('\u{feff}')).ok()?;
            let module = program.of_file[*file];
            Some(trace::trace(&program, *file, module, &syntax.items, false, imports))
        })
    } else {
        Vec::new()
    };
    found.unread.sort();
    Inventory {
        sites: put_together(&program, &names, traced.into_iter().flatten().collect()),
        unread: found.unread,
        files: names.len(),
        lines,
        packages: manifests
            .iter()
            .map(|manifest| (walk::shown(&manifest.folder), manifest.library.clone()))
            .collect(),
    }
}

/// Does something for each of many on several threads with deep stacks; the results are in the order of the inputs.
fn on_all<T: Sync, R: Send>(inputs: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(inputs.len()));
    let threads = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8)
        .min(inputs.len().max(1));
    let body = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else { break };
            let result = work(input);
            proc_macro2::extra::invalidate_current_thread_spans();
            made.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // Without a deep stack nothing is parsed here: better slower than an overflow.
            let _ = std::thread::Builder::new()
                .stack_size(nesting::STACK)
                .spawn_scoped(scope, body);
        }
    });
    let mut made = made.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, result)| result).collect()
}

fn parse(root: &Path, path: &Path) -> Result<Parsed, String> {
    let bytes = std::fs::read(root.join(path)).map_err(|error| error.kind().to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    if !nesting::fits(text) {
        return Err("nested too deeply".into());
    }
    let syntax =
        syn::parse_file(text).map_err(|error| format!("not Rust: {error}, line {}", error.span().start().line))?;
    Ok(Parsed {
        declarations: declarations::of_items(&syntax.items),
        lines: text.lines().count(),
        relevant: operations::DYNAMODB
            .iter()
            .chain(operations::STREAMS)
            .chain(WORDS)
            .any(|word| text.contains(word)),
        imports: text.contains("aws_sdk_dynamodb"),
    })
}

/// Gives each site what is said of it anywhere.
fn put_together(program: &Program, names: &[String], traced: Vec<Traced>) -> Vec<Site> {
    let mut facts: HashMap<Key, Facts> = HashMap::new();
    let mut flows: HashMap<Key, Vec<Key>> = HashMap::new();
    let mut raw = Vec::new();
    let mut untied = HashSet::new();
    for traced in traced {
        for (key, said) in traced.facts {
            facts.entry(key).or_default().add(&said);
        }
        for (from, to) in traced.flows {
            flows.entry(from).or_default().push(to);
        }
        if let Some(RawSite {
            key: Key::Site(file, _),
            ..
        }) = traced.sites.first()
        {
            untied.extend(traced.untied.iter().map(|function| (*file, *function)));
        }
        raw.extend(traced.sites);
    }
    through_traits(program, &mut flows);
    let mut sites: Vec<Site> = raw
        .iter()
        .filter_map(|site| {
            let mut calls = Vec::new();
            let own = reach(&site.key, &facts, &flows, Some(&mut calls));
            let mut all = own.clone();
            // Each caller of what returns the request or answer goes on with it in its own way: the worst counts.
            let mut paging = None;
            for call in calls {
                let there = reach(call, &facts, &flows, None);
                let mut together = own.clone();
                together.add(&there);
                paging = paging.max(Some(paging_of(&together, false)));
                all.add(&there);
            }
            if site.sure == 0 && all.telling == 0 {
                return None;
            }
            let Key::Site(file, _) = site.key else { return None };
            let untied = untied.contains(&(file, site.function));
            let paging = match paging {
                Some(paging) if !untied => paging,
                _ => paging_of(&all, untied),
            };
            Some(of_raw(site, &names[file], &all, paging))
        })
        .collect();
    sites.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.operation, std::cmp::Reverse(a.confidence)).cmp(&(
            &b.file,
            b.line,
            b.column,
            &b.operation,
            std::cmp::Reverse(b.confidence),
        ))
    });
    sites.dedup_by(|b, a| a.file == b.file && a.line == b.line && a.column == b.column && a.operation == b.operation);
    sites
}

/// What is called by a trait's method is in what implements it.
fn through_traits(program: &Program, flows: &mut HashMap<Key, Vec<Key>>) {
    for block in &program.impls {
        let Some(of) = block
            .r#trait
            .as_ref()
            .and_then(|path| program.type_at(block.module, path))
        else {
            continue;
        };
        for (name, id) in &block.functions {
            let Some(declared) = program.types[of].functions.get(name) else {
                continue;
            };
            flows
                .entry(Key::Returned(*id))
                .or_default()
                .push(Key::Returned(*declared));
            for at in 0..program.functions[*id].function.parameters.len() {
                flows
                    .entry(Key::Parameter(*declared, at))
                    .or_default()
                    .push(Key::Parameter(*id, at));
            }
        }
    }
}

/// What is said at all places that a place leads to. With `calls`, the calls among them are put there instead.
fn reach<'a>(
    from: &'a Key,
    facts: &HashMap<Key, Facts>,
    flows: &'a HashMap<Key, Vec<Key>>,
    mut calls: Option<&mut Vec<&'a Key>>,
) -> Facts {
    let mut all = Facts::default();
    let mut seen = HashSet::new();
    let mut open = vec![from];
    let mut at = 0;
    while let Some(key) = open.get(at).copied() {
        at += 1;
        if !seen.insert(key) {
            continue;
        }
        if let (Key::Call(..), Some(calls)) = (key, calls.as_deref_mut()) {
            calls.push(key);
            continue;
        }
        if let Some(said) = facts.get(key) {
            all.add(said);
        }
        open.extend(flows.get(key).into_iter().flatten());
    }
    all
}

fn paging_of(facts: &Facts, untied: bool) -> Paging {
    if facts.paginator {
        Paging::Paginator
    } else if facts.start_key {
        Paging::Loop
    } else if facts.key_read || untied {
        Paging::Cursor
    } else if facts.escaped || facts.returned && !facts.called || !facts.sent {
        Paging::HandedOn
    } else {
        Paging::None
    }
}

fn of_raw(raw: &RawSite, file: &str, facts: &Facts, paging: Paging) -> Site {
    let escaped = facts.escaped || facts.returned && !facts.called;
    let paging = matches!(raw.operation, "scan" | "query").then_some(paging);
    let text = |said: &Option<Said>| match said {
        Some(Said::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let expression = |said: &Option<Said>| match said {
        Some(Said::Expression(text)) => Some(text.clone()),
        _ => None,
    };
    Site {
        file: file.to_owned(),
        line: raw.line,
        column: raw.column,
        operation: raw.operation.to_owned(),
        table: text(&facts.table),
        table_expression: expression(&facts.table),
        paging,
        filter: facts.filter,
        condition: facts.condition,
        limit: facts.limit.is_some(),
        index: text(&facts.index).or_else(|| expression(&facts.index)),
        consistent: facts.consistent,
        in_repository: false,
        in_test: raw.test,
        function: raw.function_name.clone(),
        engine: "source".into(),
        confidence: match raw.sure {
            2 => Confidence::High,
            1 => Confidence::Medium,
            _ => Confidence::Low,
        },
        details: Details {
            function: raw.function,
            of_type: raw.of_type.clone(),
            limit: match facts.limit {
                Some(Limit::Number(number)) => Some(number),
                _ => None,
            },
            limit_perhaps: facts.limit == Some(Limit::Perhaps),
            sent: facts.sent,
            value: raw.value,
            key_condition: facts.key_condition.clone(),
            update: facts.update.clone(),
            unprocessed: facts.unprocessed,
            transact: facts.transact,
            serial: facts.serial,
            only_first: facts.first && !facts.many,
            escaped,
            dropped: facts.dropped,
        },
    }
}
