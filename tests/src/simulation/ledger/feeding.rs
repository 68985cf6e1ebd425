//! What is written to the feed and to its positions.

use super::{Ledger, committed, text};
use headwater_dynamodb::simulated::SimulatedEngine;
use serde_json::Value;

impl Ledger {
    pub(super) fn fed(&mut self, engine: &SimulatedEngine, key: &Value, item: Option<&Value>) {
        let (pk, sk) = (text(key, "PK"), text(key, "SK"));
        if let Some(tenant) = pk.strip_prefix("TENANT#").and_then(|rest| rest.strip_suffix("#~feed")) {
            let Some(item) = item else { return };
            self.batch(tenant, item);
        } else if sk == "STREAM" {
            self.whole = item
                .map(|item| text(item, "stream").to_owned())
                .filter(|stream| !stream.is_empty());
            let positions: Vec<_> = self.positions.iter().map(|(place, to)| (place.clone(), *to)).collect();
            for ((stream, shard), to) in positions {
                self.feed_passed(engine, &stream, &shard, to);
            }
        } else if let (Some(shard), Some(item)) = (sk.strip_prefix("SHARD#"), item) {
            let stream = text(item, "stream").to_owned();
            let to = text(item, "sequence").parse().unwrap_or(0);
            self.positions.insert((stream.clone(), shard.to_owned()), to);
            self.feed_passed(engine, &stream, shard, to);
        }
    }

    /// While the feed is said to be whole, it has everything before each of its positions.
    fn feed_passed(&mut self, engine: &SimulatedEngine, stream: &str, shard: &str, to: u128) {
        if self.whole.as_deref() != Some(stream) {
            return;
        }
        let place = ("feed".to_owned(), format!("{stream} {shard}"));
        for record in engine
            .records(stream, shard)
            .iter()
            .filter(|record| record.sequence <= to)
        {
            let ((tenant, id), commit) = committed(&record.image);
            if !self.feed.contains_key(&(tenant.clone(), id.clone(), commit.first)) {
                self.violations.push(format!(
                    "{place:?} is past {tenant} {id}/{}, which the feed lacks",
                    commit.first
                ));
            }
        }
    }

    fn batch(&mut self, tenant: &str, item: &Value) {
        let at: u64 = text(item, "SK").parse().unwrap_or(0);
        let last = self.batches.entry(tenant.to_owned()).or_default();
        let broken = (at != *last + 1).then(|| format!("batch {at} of {tenant}'s feed after {last}"));
        *last = at;
        self.hold(broken);
        let repair = item.get("repair").is_some() || item.get("repair_from").is_some();
        let refs: Value = serde_json::from_str(text(item, "refs")).unwrap_or_default();
        for one in refs["r"].as_array().into_iter().flatten() {
            let (id, first) = (
                one[1].as_str().unwrap_or_default().to_owned(),
                one[2].as_u64().unwrap_or(0),
            );
            let times = self.feed.entry((tenant.to_owned(), id.clone(), first)).or_default();
            *times += 1;
            if *times > 1 {
                self.violations.push(format!(
                    "{tenant} {id}/{first} is in the feed a second time, in batch {at}"
                ));
            }
            // Two streams of one table keep no order between each other, and a late reader of the old one may come last.
            let source = self.source.clone().filter(|_| !repair);
            let account = (tenant.to_owned(), id.clone());
            let repaired = self.order.get(&(None, account.clone())).copied().unwrap_or(0);
            let before = self.order.insert((source, account), first).unwrap_or(0).max(repaired);
            if before > first && !repair && self.ordered {
                self.violations.push(format!(
                    "{tenant} {id}/{first} is in the feed after {before}, without a repair"
                ));
            }
        }
    }
}
