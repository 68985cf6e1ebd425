//! Whoever can change the folder, and not the copy outside, is found out: every kind of change, in every file.

use super::{Audited, verified};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A day of a few hours: with objects, without one, and one that is not over.
async fn day() -> Audited {
    let audited = Audited::new().await;
    let worker = audited.worker();
    for (time, times) in [
        ("2026-11-24T01:10:00Z", 1),
        ("2026-11-24T01:40:00Z", 2),
        ("2026-11-24T03:20:00Z", 1),
        ("2026-11-24T04:05:00Z", 1),
        ("2026-11-24T04:15:00Z", 1),
    ] {
        audited.at(time);
        audited.happen(times).await;
        worker.round().await.unwrap();
    }
    let report = audited.verified().await;
    assert_eq!(report.findings, []);
    assert_eq!((report.hours, report.objects), (3, 5));
    audited
}

fn files(below: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all)
        } else {
            all.push(path)
        }
    }
    all.sort();
}

fn copy(from: &Path, to: &Path) {
    let mut all = Vec::new();
    files(from, &mut all);
    for file in all {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, &target).unwrap();
    }
}

/// The changed files are as they were again when this is dropped.
struct Changed<'a>(Vec<(&'a PathBuf, Vec<u8>)>);

impl<'a> Changed<'a> {
    fn of(files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        Self(files.into_iter().map(|file| (file, fs::read(file).unwrap())).collect())
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        for (file, bytes) in &self.0 {
            fs::write(file, bytes).unwrap();
        }
    }
}

async fn found(audited: &Audited, what: &str) {
    let report = audited.verified().await;
    assert!(!report.findings.is_empty(), "{what} was not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_found() {
    let audited = day().await;
    let mut all = Vec::new();
    files(&audited.objects(), &mut all);
    assert_eq!(all.len(), 5 + 3 + 1, "objects, digests, the running digest");
    for file in &all {
        let shown = file.display().to_string();
        let bytes = fs::read(file).unwrap();
        {
            let _changed = Changed::of([file]);
            for (n, _) in bytes.iter().enumerate().step_by(11) {
                let mut flipped = bytes.clone();
                flipped[n] ^= 1 << (n % 8);
                fs::write(file, &flipped).unwrap();
                found(&audited, &format!("a flip of byte {n} of {shown}")).await;
            }
            for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                fs::write(file, &bytes[..cut]).unwrap();
                found(&audited, &format!("{shown} cut to {cut} bytes")).await;
            }
            fs::write(file, [bytes.clone(), b"\n".to_vec()].concat()).unwrap();
            found(&audited, &format!("a byte after {shown}")).await;
            fs::remove_file(file).unwrap();
            found(&audited, &format!("that {shown} is gone")).await;
        }
        for name in ["x", "00000000000000000099.jsonl.gz", "hour=99.json"] {
            let added = file.with_file_name(name);
            fs::write(&added, &bytes).unwrap();
            found(&audited, &format!("{name} beside {shown}")).await;
            fs::remove_file(added).unwrap();
        }
    }
    for (n, one) in all.iter().enumerate() {
        for other in &all[n + 1..] {
            let changed = Changed::of([one, other]);
            fs::write(one, &changed.0[1].1).unwrap();
            fs::write(other, &changed.0[0].1).unwrap();
            found(
                &audited,
                &format!("that {} and {} changed places", one.display(), other.display()),
            )
            .await;
        }
    }
    assert_eq!(audited.verified().await.findings, [], "all is as it was");
}

/// The newest object or digest with everything that names it: the folder as it was some time ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_set_back_is_found() {
    let audited = Audited::new().await;
    let worker = audited.worker();
    let mut before = Vec::new();
    for time in [
        "2026-11-24T01:10:00Z",
        "2026-11-24T01:40:00Z",
        "2026-11-24T02:10:00Z",
        "2026-11-24T03:10:00Z",
    ] {
        audited.at(time);
        audited.happen(1).await;
        worker.round().await.unwrap();
        let kept = tempfile::tempdir().unwrap();
        copy(&audited.objects(), kept.path());
        before.push(kept);
    }
    let now = before.pop().unwrap();
    assert_eq!(verified(now.path(), &audited.outside()).await.findings, []);
    for older in before {
        let report = verified(older.path(), &audited.outside()).await;
        assert!(!report.findings.is_empty());
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(!verified(empty.path(), &audited.outside()).await.findings.is_empty());
    assert!(
        !verified(now.path(), empty.path()).await.findings.is_empty(),
        "without the copy nobody knows"
    );
}
