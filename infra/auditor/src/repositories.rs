//! Which code is a repository: what the configuration declares, or else what the names in the code say.

use crate::{config, site::Site};
use std::collections::BTreeMap;

/// Words in the names of files, folders, types and packages that are made to talk to a database.
const WORDS: &[&str] = &[
    "repository",
    "repositories",
    "repo",
    "repos",
    "store",
    "stores",
    "storage",
    "storages",
    "dao",
    "daos",
    "dynamo",
    "dynamodb",
    "ddb",
    "db",
    "database",
    "persistence",
    "datastore",
    "dal",
];

/// Marks the sites that are in repositories, and says what these are.
pub fn mark(sites: &mut [Site], declared: &[String], packages: &[(String, String)]) -> Vec<String> {
    if !declared.is_empty() {
        for site in sites {
            site.in_repository = declared.iter().any(|pattern| config::matches(pattern, &site.file));
        }
        return declared.iter().map(|pattern| format!("{pattern} (declared)")).collect();
    }
    let mut found: BTreeMap<String, &str> = BTreeMap::new();
    let mut open: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut named = std::collections::BTreeSet::new();
    for (at, site) in sites.iter_mut().enumerate() {
        let (folder, package) = package_of(&site.file, packages);
        let within = site
            .file
            .strip_prefix(folder)
            .unwrap_or(&site.file)
            .trim_start_matches('/');
        let reason = if said(package) {
            Some((
                if folder.is_empty() { "." } else { folder }.to_owned(),
                "the package's name",
            ))
        } else if within
            .split('/')
            .any(|part| said(part.strip_suffix(".rs").unwrap_or(part)))
        {
            Some((site.file.clone(), "its path"))
        } else if site.details.of_type.as_deref().is_some_and(said_of_type) {
            Some((
                format!(
                    "{} in {}",
                    site.details.of_type.as_deref().unwrap_or_default(),
                    site.file
                ),
                "its name",
            ))
        } else {
            None
        };
        match reason {
            Some((what, why)) => {
                site.in_repository = true;
                if !site.in_test {
                    named.insert(folder.to_owned());
                    found.insert(what, why);
                }
            }
            None => open.entry(folder.to_owned()).or_default().push(at),
        }
    }
    // Where nothing is called a repository, it is the file that has most of the calls, if one has.
    for (folder, sites_of) in open {
        if named.contains(&folder) {
            continue;
        }
        let mut by_file: BTreeMap<&str, usize> = BTreeMap::new();
        for at in sites_of.iter().filter(|at| !sites[**at].in_test) {
            *by_file.entry(&sites[*at].file).or_default() += 1;
        }
        let all: usize = by_file.values().sum();
        let most = by_file
            .iter()
            .max_by_key(|(file, count)| (**count, std::cmp::Reverse(**file)));
        let Some((file, count)) = most.map(|(file, count)| ((*file).to_owned(), *count)) else {
            continue;
        };
        if count >= 3 && count * 2 > all {
            for at in sites_of {
                sites[at].in_repository |= sites[at].file == file;
            }
            found.insert(file, "most calls of its package");
        }
    }
    found.into_iter().map(|(what, why)| format!("{what} ({why})")).collect()
}

/// The deepest package around a file.
fn package_of<'a>(file: &str, packages: &'a [(String, String)]) -> (&'a str, &'a str) {
    packages
        .iter()
        .map(|(folder, name)| (if folder == "." { "" } else { folder.as_str() }, name.as_str()))
        .filter(|(folder, _)| folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        .max_by_key(|(folder, _)| folder.len())
        .unwrap_or(("", ""))
}

fn said(name: &str) -> bool {
    name.split(['_', '-', '.']).any(|word| WORDS.contains(&word))
}

fn said_of_type(name: &str) -> bool {
    let mut words = Vec::new();
    for letter in name.chars() {
        if letter.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    let lower = name.to_lowercase();
    lower.contains("dynamo") || words.iter().any(|word| WORDS.contains(&word.as_str()))
}
