//! What goes into the binary: one TLS stack, and nothing that is for tests. By the tree that cargo would build, with its features.

use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// What is shipped.
const BINARIES: &[&str] = &["headwater"];

/// TLS stacks and providers of cryptography other than rustls with ring.
const OTHER_TLS: &[&str] = &[
    "aws-lc-fips-sys",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "hyper-openssl",
    "hyper-tls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "rustls-graviola",
    "rustls-mbedcrypto-provider",
    "rustls-openssl",
    "rustls-rustcrypto",
    "s2n-tls",
    "tokio-native-tls",
];

/// Features of rustls that bring a provider other than ring.
const OTHER_PROVIDERS: &[&str] = &["aws_lc_rs", "aws-lc-rs", "fips"];

/// Crates with parts that are for tests, and the feature that has them.
const FOR_TESTS: &[(&str, &str)] = &[("headwater-tenancy", "testing")];

/// A crate's version and its features.
type Built = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Names what is in a binary and should not be.
pub(crate) fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for binary in BINARIES {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["tree", "--locked", "--package", binary, "--edges", "normal"])
            .args(["--target", "all", "--prefix", "none", "--format", "{p}|{f}"])
            .output()?;
        if !output.status.success() {
            bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let tree = String::from_utf8(output.stdout).context("cargo tree is not text")?;
        faults.extend(faults_of(binary, &built(&tree)));
    }
    Ok(faults)
}

/// The lines of `cargo tree`: `rustls v0.23.46|ring,std (*)`.
fn built(tree: &str) -> Built {
    let mut built = Built::new();
    for line in tree.lines() {
        let line = line.strip_suffix(" (*)").unwrap_or(line);
        let Some((package, features)) = line.split_once('|') else {
            continue;
        };
        let mut words = package.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        let features = features.split(',').filter(|feature| !feature.is_empty());
        let versions = built.entry(name.to_owned()).or_default();
        let known = versions.entry(version.to_owned()).or_default();
        known.extend(features.map(str::to_owned));
    }
    built
}

fn faults_of(binary: &str, built: &Built) -> Vec<String> {
    let has = |name: &str, feature: &str| {
        let versions = built.get(name).into_iter().flat_map(BTreeMap::values);
        versions.flatten().any(|has| has == feature)
    };
    let others = OTHER_TLS.iter().filter(|name| built.contains_key(**name));
    let mut faults: Vec<String> = others
        .map(|name| format!("{binary} has {name}, beside rustls with ring"))
        .collect();
    let versions: Vec<&String> = built.get("rustls").into_iter().flat_map(BTreeMap::keys).collect();
    if versions.len() > 1 {
        faults.push(format!("{binary} has rustls {versions:?}; let one go"));
    }
    let others = OTHER_PROVIDERS.iter().filter(|feature| has("rustls", feature));
    faults.extend(others.map(|feature| format!("{binary} has rustls with {feature}, not with ring alone")));
    let tests = FOR_TESTS.iter().filter(|(name, feature)| has(name, feature));
    faults.extend(tests.map(|(name, feature)| {
        format!("{binary} has {name} with the feature {feature}, which is for dev-dependencies")
    }));
    faults
}

/// The feature for tests that a dependency on `name` turns on, if it does.
pub(crate) fn for_tests(name: &str, features: &[String]) -> Option<&'static str> {
    let (_, feature) = FOR_TESTS.iter().find(|(of, _)| *of == name)?;
    features.iter().any(|on| on == feature).then_some(feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tls_stack_and_nothing_for_tests() {
        let good = "headwater v0.1.0 (/somewhere)|\nrustls v0.23.46|ring,std\nrustls v0.23.46|ring,std (*)\nopenssl-probe v0.2.2|\n\
                    headwater-tenancy v0.1.0 (/somewhere/infra/tenancy)| (*)";
        assert_eq!(faults_of("headwater", &built(good)), Vec::<String>::new());
        for (more, expected) in [
            ("native-tls v0.2.14|", "native-tls"),
            ("aws-lc-rs v1.2.3|default", "aws-lc-rs"),
            ("rustls v0.23.46|aws_lc_rs,ring", "aws_lc_rs"),
            ("rustls v0.22.1|ring", "0.22.1"),
            ("headwater-tenancy v0.1.0 (/somewhere)|testing", "testing"),
        ] {
            let found = faults_of("headwater", &built(&format!("{good}\n{more}")));
            assert!(
                matches!(&found[..], [one] if one.contains(expected)),
                "{more}: {found:?}"
            );
        }
    }
}
