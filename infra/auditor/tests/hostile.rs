//! No input ends the audit: what cannot be read is named, and the rest is audited.

use headwater_auditor::source_engine;
use std::{fs, path::Path};

const GOOD: &str = "use aws_sdk_dynamodb::Client;\nasync fn f(c: &Client) { c.scan().send().await; }\n";

fn files(folder: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }
}

#[test]
fn the_rest_is_audited() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep =
        |open: &str, close: &str| format!("fn f() {{ {}x{} }}", open.repeat(50_000), close.repeat(50_000)).into_bytes();
    files(
        folder.path(),
        &[
            ("good.rs", GOOD.into()),
            ("broken.rs", b"fn f( { c.scan() ".to_vec()),
            ("latin.rs", b"// caf\xe9\n".to_vec()),
            ("parens.rs", deep("(", ")")),
            ("chain.rs", deep("", ".a()")),
            ("not.rs", deep("!", "")),
            ("blocks.rs", deep("{", "}")),
            ("sum.rs", deep("1 + ", "")),
            ("else.rs", deep("if a {} else ", "")),
            ("type.rs", format!("type T = {}u8;", "&".repeat(50_000)).into_bytes()),
            ("empty.rs", Vec::new()),
            ("nul.rs", vec![0; 10]),
            (
                "cyclic/a.rs",
                b"#[path = \"a.rs\"] mod a; mod b; use self::a as b; pub use b::*; pub use super::*;".to_vec(),
            ),
            ("target/debug/build.rs", GOOD.into()),
            ("Cargo.toml", b"[package\n".to_vec()),
        ],
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path(), folder.path().join("cyclic/again")).expect("linked");
        std::os::unix::fs::symlink("nowhere.rs", folder.path().join("lost.rs")).expect("linked");
    }
    let found = source_engine::run(folder.path());
    let sites: Vec<String> = found
        .sites
        .iter()
        .map(|site| format!("{}:{}:{}", site.file, site.line, site.column))
        .collect();
    assert_eq!(sites, ["good.rs:2:28"]);
    let unread: Vec<&str> = found.unread.iter().map(|unread| unread.file.as_str()).collect();
    for named in [
        "broken.rs",
        "latin.rs",
        "parens.rs",
        "chain.rs",
        "not.rs",
        "blocks.rs",
        "sum.rs",
        "else.rs",
        "type.rs",
        "nul.rs",
    ] {
        assert!(unread.contains(&named), "{named} in {unread:?}");
    }
}

/// The deepest that is let through is parsed, traced and dropped without an overflow.
#[test]
fn the_deepest_that_fits_is_audited() {
    let folder = tempfile::tempdir().expect("a folder");
    let near = headwater_auditor::input::nesting::DEEPEST - 60;
    let text = |open: &str, each: usize, close: &str| {
        let times = near / each;
        format!(
            "{GOOD}fn g(c: &Client) {{ {}x{} }}",
            open.repeat(times),
            close.repeat(times)
        )
        .into_bytes()
    };
    files(
        folder.path(),
        &[
            ("a.rs", text("(", 1, ")")),
            ("b.rs", text("!", 1, "")),
            ("c.rs", text("", 4, ".a()")),
            ("d.rs", text("1 + ", 2, "")),
            ("e.rs", text("if a {} else ", 3, "")),
            ("f.rs", text("|a| ", 3, "")),
            ("g.rs", text("{", 1, "}")),
            ("h.rs", text("m!(", 3, ")")),
        ],
    );
    let found = source_engine::run(folder.path());
    assert!(found.sites.len() >= 5, "{:?} {:?}", found.sites.len(), found.unread);
}

/// Pieces of a file, cut, doubled and put together anew by a fixed sequence: whatever comes of it, the audit ends and says the same twice.
#[test]
fn broken_rust_is_survived() {
    let whole = [
        include_str!("inventory.rs"),
        include_str!("../src/trace/macros.rs"),
        include_str!("../src/model/program.rs"),
    ]
    .concat();
    let bytes: Vec<char> = whole.chars().collect();
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..200 {
        let mut text = String::from("use aws_sdk_dynamodb::Client; fn f(c: &Client) {");
        for _ in 0..=next(8) {
            let start = next(bytes.len());
            let end = (start + next(400)).min(bytes.len());
            text.extend(&bytes[start..end]);
            text.push_str(
                [
                    " c.scan()",
                    "}",
                    "{",
                    ")",
                    ";",
                    "$",
                    "macro_rules! m { ($x:tt) => { $x.scan($($x),*) } }",
                    "'",
                ][next(8)],
            );
        }
        fs::write(folder.path().join(format!("{number}.rs")), text).expect("written");
    }
    let first = source_engine::run(folder.path());
    let second = source_engine::run(folder.path());
    assert_eq!(first.sites, second.sites);
    assert_eq!(first.unread, second.unread);
    assert_eq!(first.files + first.unread.len(), 200);
}
