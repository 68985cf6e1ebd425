//! What is written, and what becomes of it when a worker is cut short.

use super::{Audited, Failing, key};
use headwater_audit_log::{AuditKey, Wanted, verify};
use headwater_kernel::Timestamp;
use headwater_objects::Folder;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

/// Every file with its bytes.
fn files(below: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.extend(
                files(&path)
                    .into_iter()
                    .map(|(file, bytes)| (format!("{name}/{file}"), bytes)),
            );
        } else {
            all.push((
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            ));
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_the_region_is_one_line() {
    let audited = Audited::new().await;
    audited.happen(3).await;
    let worker = audited.worker();
    assert_eq!(worker.round().await.unwrap(), 1);
    assert_eq!(worker.round().await.unwrap(), 0, "nothing is new");
    audited.happen(2).await;
    audited.at("2026-11-24T03:00:00Z");
    // Another worker, which knows only what is in the tables.
    audited.worker().round().await.unwrap();
    let report = audited.verified().await;
    assert_eq!(report.findings, []);
    assert_eq!((report.hours, report.objects, report.lines), (2, 2, 15));
    let lines = audited.lines(&Wanted::default()).await;
    let events: BTreeSet<_> = lines.iter().map(|line| line.event_id.clone()).collect();
    assert_eq!((lines.len(), events.len()), (15, 15));
    let of = |tenant: &str, event_type: &str| {
        let fits = |line: &&headwater_audit_log::Line| line.tenant == tenant && line.event_type == event_type;
        lines.iter().filter(fits).map(|line| line.sequence).collect::<Vec<_>>()
    };
    assert_eq!(of("acme", "Deposited"), [1, 2, 3, 4, 5]);
    assert_eq!(of("other", "Deposited"), [1, 2, 3, 4, 5]);
    assert_eq!(of("away", "Deposited"), [] as [u64; 0], "another region's");
    let line = lines.iter().find(|line| line.tenant == "other").unwrap();
    assert_eq!((line.outcome.as_str(), line.actor.as_str()), ("done", "user:tester"));
    assert!(line.data.as_ref().unwrap().get().contains("cents"));
    let other = Wanted {
        tenant: Some("other".into()),
        ..Wanted::default()
    };
    assert_eq!(audited.lines(&other).await.len(), 5);
    let later = Wanted {
        from: Some(Timestamp::parse("2100-01-01T00:00:00Z").unwrap()),
        ..Wanted::default()
    };
    assert_eq!(audited.lines(&later).await.len(), 0);
}

/// At every call of both stores, before its effect and after it, a worker ends; the next one goes on. What is there then is, byte for byte, what
/// it would have been without.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_short_anywhere_changes_nothing() {
    let whole = Audited::new().await;
    whole.happen(2).await;
    let mut undisturbed = None;
    for fails_at in 0.. {
        let mut any = false;
        for after in [false, true] {
            let mut failed = false;
            let audited = Audited::of(whole.given.clone()).await;
            let calls = Arc::new(AtomicU64::new(0));
            let store = |path| {
                Arc::new(Failing {
                    folder: Folder::new(path),
                    calls: calls.clone(),
                    fails_at,
                    after,
                })
            };
            let worker = || audited.worker_on(store(audited.objects()), store(audited.outside()));
            for time in [super::BEGIN, "2026-11-24T02:30:00Z", "2026-11-24T03:10:00Z"] {
                audited.at(time);
                while let Err(error) = worker().round().await {
                    assert!(!failed, "once is enough: {error}");
                    failed = true;
                    let report = audited.verified().await;
                    assert_eq!(report.findings, [], "call {fails_at}");
                }
            }
            let there = files(audited.dir.path());
            assert_eq!(
                &there,
                undisturbed.get_or_insert_with(|| there.clone()),
                "call {fails_at}"
            );
            assert_eq!(audited.verified().await.findings, []);
            any |= failed;
        }
        if fails_at > 0 && !any {
            assert!(fails_at > 10, "{fails_at} calls");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_at_once_write_each_event_once() {
    let audited = Audited::new().await;
    let (one, other) = (audited.worker(), audited.worker());
    for hour in 1..4 {
        audited.happen(3).await;
        audited.at(&format!("2026-11-24T0{hour}:59:00Z"));
        let _ = futures::join!(one.round(), other.round());
    }
    one.round().await.unwrap();
    other.round().await.unwrap();
    let report = audited.verified().await;
    assert_eq!(report.findings, []);
    assert_eq!((report.lines, report.pending), (27, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_verifies_nothing() {
    let audited = Audited::new().await;
    audited.happen(1).await;
    audited.worker().round().await.unwrap();
    let (objects, outside) = (Folder::new(audited.objects()), Folder::new(audited.outside()));
    let other = AuditKey::new([8; 32]).public();
    let report = verify(&objects, &outside, "us", other, (None, None)).await.unwrap();
    assert!(report.findings[0].what.contains("signed with the key"), "{report:?}");
    assert_ne!(other, key().public());
}
