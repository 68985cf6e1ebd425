//! Between an aggregate's events and their stored form. Everything persisted as JSON passes here, so this is where personal data will
//! be sealed on the way out and opened on the way in.

use crate::Error;
use headwater_kernel::{Aggregate, AggregateType, Commit, StoredEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[derive(Deserialize, Serialize)]
struct Tagged<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The stored form of an event, at the schema version that this build writes.
pub(crate) fn encode_event<A: Aggregate>(event: &A::Event) -> Result<StoredEvent, Error> {
    let name = || format!("an event of {}/{}", A::CONTEXT, A::NAME);
    let text = to_text(event)?;
    let tagged: Tagged<'_> = serde_json::from_str(&text).map_err(|error| Error::unreadable(name(), error))?;
    Ok(StoredEvent {
        event_type: tagged.event_type.to_owned(),
        schema_version: A::schema_version(tagged.event_type),
        data: tagged.data.to_owned(),
    })
}

/// The event of a stored form that has been brought to the current version.
///
/// # Errors
/// [`Error::Unreadable`] when this build does not know its type or shape.
pub fn decode_event<A: Aggregate>(stored: &StoredEvent) -> Result<A::Event, Error> {
    let text = to_text(&Tagged {
        event_type: &stored.event_type,
        data: &stored.data,
    })?;
    from_text(&text).map_err(|error| {
        Error::unreadable(
            format!("event {} of {}/{}", stored.event_type, A::CONTEXT, A::NAME),
            error,
        )
    })
}

/// Brings a stored event to the version that this build writes, step by step.
pub(crate) fn upcast(aggregate: &AggregateType, stored: StoredEvent) -> Result<StoredEvent, Error> {
    let name = |ty: &str, v: u32| format!("event {ty} v{v} of {}/{}", aggregate.context, aggregate.name);
    let mut current = stored;
    loop {
        let wanted = (aggregate.schema_version)(&current.event_type);
        if current.schema_version == wanted {
            return Ok(current);
        }
        let StoredEvent {
            event_type,
            schema_version,
            data,
        } = current;
        if schema_version > wanted {
            return Err(Error::unreadable(
                name(&event_type, schema_version),
                "a newer build wrote it; run that build",
            ));
        }
        let data =
            from_text(data.get()).map_err(|error| Error::unreadable(name(&event_type, schema_version), error))?;
        let step = (aggregate.upcast)(&event_type, schema_version, data)
            .filter(|step| step.version > schema_version || step.event_type != event_type)
            .ok_or_else(|| Error::unreadable(name(&event_type, schema_version), "nothing brings it forward"))?;
        let data = serde_json::value::to_raw_value(&step.data)
            .map_err(|error| Error::unreadable(name(&step.event_type, step.version), error))?;
        current = StoredEvent {
            event_type: step.event_type,
            schema_version: step.version,
            data,
        };
    }
}

/// The events of a commit as it was stored, brought to the current version and typed.
///
/// # Errors
/// [`Error::Unreadable`] when this build does not know one of them.
pub fn decode_commit<A: Aggregate>(commit: &Commit) -> Result<Vec<A::Event>, Error> {
    let aggregate = AggregateType::of::<A>();
    commit
        .events
        .iter()
        .map(|event| decode_event::<A>(&upcast(&aggregate, event.clone())?))
        .collect()
}

pub(crate) fn to_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::unreadable("a value", error))
}

pub(crate) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
