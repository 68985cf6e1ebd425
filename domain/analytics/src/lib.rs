//! Analytics: what a tenant measures.
//!
//! One file per aggregate, with its state, commands, events and decisions. What is read of them lives in `domain/read-models`.

pub mod meter;
pub mod refusal;

use headwater_kernel::AggregateRegistry;

/// The bounded context, as in routes and table names.
pub const CONTEXT: &str = "analytics";

/// The aggregates of this context that tenants command, one line each.
pub fn register(registry: &mut impl AggregateRegistry) {
    registry.aggregate::<meter::Meter>();
}

#[cfg(test)]
mod tests {
    use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType};
    use serde_json::Value;

    type Variants = Vec<(String, String, Value)>;

    #[derive(Default)]
    struct Described(Vec<(&'static str, Variants, Variants)>);

    impl AggregateRegistry for Described {
        fn aggregate<A: Aggregate>(&mut self) {
            assert_eq!(A::CONTEXT, super::CONTEXT);
            let described = AggregateType::of::<A>();
            self.0.push((A::NAME, described.commands(), described.events()));
        }
    }

    fn names(of: &Variants) -> String {
        of.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_command_and_event_is_described() {
        let mut all = Described::default();
        super::register(&mut all);
        let listed: Vec<_> = all
            .0
            .iter()
            .map(|(name, commands, events)| format!("{name}: {}: {}", names(commands), names(events)))
            .collect();
        assert_eq!(listed, ["meters: record: PointsRecorded"]);
        for (name, description, schema) in all
            .0
            .iter()
            .flat_map(|(_, commands, events)| commands.iter().chain(events))
        {
            assert!(!description.is_empty(), "{name} has no description");
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                assert!(of["description"].is_string(), "{name}.{field} has no description: {of}");
            }
        }
    }
}
