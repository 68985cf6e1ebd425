//! The order in which shards may be read.

use crate::Shard;
use std::collections::BTreeSet;

/// The shards that may be read now: not finished, and no parent of theirs in the stream still to be finished.
pub fn ready<'a>(shards: &'a [Shard], finished: &BTreeSet<String>) -> Vec<&'a Shard> {
    let present: BTreeSet<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    shards
        .iter()
        .filter(|shard| !finished.contains(&shard.id))
        .filter(|shard| match &shard.parent {
            Some(parent) => finished.contains(parent) || !present.contains(parent.as_str()),
            None => true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_waits_for_its_parent_unless_that_is_gone() {
        let shard = |id: &str, parent: Option<&str>| Shard {
            stream: "s".into(),
            id: id.into(),
            parent: parent.map(str::to_owned),
            starts_at: None,
        };
        let shards = [
            shard("a", Some("trimmed")),
            shard("b", Some("a")),
            shard("c", Some("a")),
            shard("d", Some("b")),
        ];
        let ids = |finished: &[&str]| {
            let finished = finished.iter().map(|id| (*id).to_owned()).collect();
            ready(&shards, &finished)
                .iter()
                .map(|shard| shard.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&[]), ["a"]);
        assert_eq!(ids(&["a"]), ["b", "c"]);
        assert_eq!(ids(&["a", "b"]), ["c", "d"]);
        assert_eq!(ids(&["a", "b", "c", "d"]), [""; 0]);
    }
}
