//! Where each consumer begins in a shard, and so where the one reader opens it.

pub(crate) use headwater_event_log::consumer::sequence_order as order;
use headwater_event_log::{Opened, Position, Shard, Start, StreamReader, consumer::Checkpoint};
use headwater_kernel::Timestamp;
use std::{collections::BTreeMap, time::Duration};

/// Where a consumer begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begin {
    /// After the record with this sequence number.
    After(String),
    /// With the shard's first record: it has finished the parent, or stands at the beginning.
    First,
    /// It cannot be said what it has seen; the log fills in.
    Lost(&'static str),
    /// It has finished this shard.
    Done,
}

const OTHER_STREAM: &str = "the stream is another one";
const TOO_OLD: &str = "the position is too old";
const NO_POSITION: &str = "there is no position";

impl Begin {
    /// After a record, or with the first one.
    pub(crate) fn here(last: Option<&str>) -> Self {
        last.map_or(Self::First, |last| Self::After(last.to_owned()))
    }
}

/// The place at which a shard was opened for these.
pub(crate) fn opened_after(begins: &[Begin]) -> Option<String> {
    if begins.contains(&Begin::First) {
        return None;
    }
    let after = begins.iter().filter_map(|begin| match begin {
        Begin::After(sequence) => Some(sequence),
        _ => None,
    });
    after.min_by(|a, b| order(a).cmp(&order(b))).cloned()
}

/// Where a consumer with these checkpoints begins.
pub(crate) fn begin(
    shard: &Shard,
    checkpoints: &BTreeMap<String, Checkpoint>,
    now: Timestamp,
    believe_for: Duration,
) -> Begin {
    let believed = |checkpoint: &Checkpoint| {
        if checkpoint.position.stream != shard.stream {
            Err(OTHER_STREAM)
        } else if now.since(checkpoint.at) >= believe_for {
            Err(TOO_OLD)
        } else {
            Ok(())
        }
    };
    if let Some(own) = checkpoints.get(&shard.id) {
        return match (believed(own), &own.position.sequence) {
            (Err(why), _) => Begin::Lost(why),
            (Ok(()), _) if own.finished => Begin::Done,
            (Ok(()), Some(sequence)) => Begin::After(sequence.clone()),
            (Ok(()), None) => Begin::First,
        };
    }
    let parent = shard.parent.as_ref().and_then(|parent| checkpoints.get(parent));
    match parent {
        Some(parent) if parent.finished => match believed(parent) {
            Ok(()) => Begin::First,
            Err(why) => Begin::Lost(why),
        },
        Some(_) => Begin::Lost("the parent shard was not finished"),
        None => Begin::Lost(NO_POSITION),
    }
}

/// Opens the shard for all of its consumers; those that have missed records are lost from here on.
pub(crate) async fn open(
    reader: &StreamReader,
    shard: &Shard,
    begins: &mut [Begin],
) -> Result<headwater_event_log::Cursor, headwater_event_log::Error> {
    loop {
        let first = begins.contains(&Begin::First);
        let mut oldest: Option<&String> = None;
        for begin in begins.iter() {
            if let Begin::After(sequence) = begin
                && oldest.is_none_or(|known| order(sequence) < order(known))
            {
                oldest = Some(sequence);
            }
        }
        let start = match (first, oldest) {
            (true, _) => Start::First,
            (false, Some(sequence)) => Start::After(sequence),
            (false, None) => Start::Oldest,
        };
        match reader.open(shard, start).await? {
            Opened::At(cursor) => return Ok(cursor),
            Opened::Trimmed(_) => {
                // Whoever stood there has missed something. The others may still find their place.
                let gone = oldest.filter(|_| !first).cloned();
                for begin in begins.iter_mut() {
                    let missed = match begin {
                        Begin::First => first,
                        Begin::After(sequence) => gone.as_ref().is_some_and(|gone| order(sequence) == order(gone)),
                        _ => false,
                    };
                    if missed {
                        *begin = Begin::Lost("its records are gone from the stream");
                    }
                }
            }
        }
    }
}

/// The position at which a consumer's mailbox starts.
pub(crate) fn position(shard: &Shard, begin: &Begin) -> Position {
    Position {
        stream: shard.stream.clone(),
        shard: shard.id.clone(),
        sequence: match begin {
            Begin::After(sequence) => Some(sequence.clone()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn shard(parent: Option<&str>) -> Shard {
        Shard {
            stream: "s2".into(),
            id: "b".into(),
            parent: parent.map(str::to_owned),
            starts_at: None,
        }
    }

    fn checkpoint(
        shard: &str,
        stream: &str,
        sequence: Option<&str>,
        hours: u64,
        finished: bool,
    ) -> (String, Checkpoint) {
        let position = Position {
            stream: stream.into(),
            shard: shard.into(),
            sequence: sequence.map(str::to_owned),
        };
        let at = Timestamp::from_nanos(i64::try_from((HOUR * u32::try_from(hours).unwrap()).as_nanos()).unwrap());
        let checkpoint = Checkpoint {
            position,
            at,
            finished,
            store: None,
        };
        (shard.to_owned(), checkpoint)
    }

    #[test]
    fn every_way_to_begin() {
        let now = Timestamp::from_nanos(i64::try_from((HOUR * 100).as_nanos()).unwrap());
        let at = |parent: Option<&str>, all: &[(String, Checkpoint)]| {
            begin(&shard(parent), &all.iter().cloned().collect(), now, HOUR * 20)
        };
        let after = |sequence: &str| Begin::After(sequence.to_owned());
        assert_eq!(at(None, &[]), Begin::Lost("there is no position"));
        assert_eq!(at(None, &[checkpoint("b", "s2", Some("7"), 99, false)]), after("7"));
        assert_eq!(at(None, &[checkpoint("b", "s2", None, 99, false)]), Begin::First);
        assert_eq!(at(None, &[checkpoint("b", "s2", Some("7"), 99, true)]), Begin::Done);
        assert_eq!(
            at(None, &[checkpoint("b", "s1", Some("7"), 99, false)]),
            Begin::Lost("the stream is another one")
        );
        assert_eq!(
            at(None, &[checkpoint("b", "s2", Some("7"), 80, false)]),
            Begin::Lost("the position is too old")
        );
        assert_eq!(
            at(Some("a"), &[checkpoint("a", "s2", Some("7"), 99, true)]),
            Begin::First
        );
        assert_eq!(
            at(Some("a"), &[checkpoint("a", "s2", Some("7"), 99, false)]),
            Begin::Lost("the parent shard was not finished")
        );
        assert_eq!(at(Some("a"), &[]), Begin::Lost("there is no position"));
    }
}
