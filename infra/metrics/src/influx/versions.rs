//! What a caller recorded can be corrected, and the last line that is written of a point is what InfluxDB keeps. So before points of callers
//! are written, the versions that are there are read, and points that are lower are left out. Of what follows from an event there is one
//! version, which is written without a look.

use super::{
    client::Server,
    lines::{CALLER, Key, WRITER, is_callers},
    names::{NAME, TEXT, quote},
};
use crate::{Bin, Error, batch::Batch};

/// Times that are nearer to one another are looked for together.
const TOGETHER: i64 = Bin::HOUR.nanos();
/// Statements of a request.
const STATEMENTS: usize = 200;

/// Leaves out what a higher version is there of.
pub(super) async fn leave_out_superseded(server: &Server, batch: &mut Batch<Key>) -> Result<(), Error> {
    for statements in statements(batch).chunks(STATEMENTS) {
        let mut answers = server.ask(&statements.join(";")).await?;
        while let Some(all) = answers.next().await? {
            for (_, rows) in all {
                // A tag that a line does not have is told as one without a value.
                let mut tags = rows.tags;
                tags.retain(|_, value| !value.is_empty());
                for row in &rows.values {
                    let (Some(time), Some(version)) = (row[0].as_i64(), row.get(1).and_then(|value| value.as_u64()))
                    else {
                        continue;
                    };
                    let key: Key = (rows.name.clone(), tags.clone(), time);
                    if batch.points.get(&key).is_some_and(|said| said.version < version) {
                        batch.supersede(&key);
                    }
                }
            }
        }
    }
    Ok(())
}

/// One for each stretch of times of a measurement.
fn statements(batch: &Batch<Key>) -> Vec<String> {
    let mut times: Vec<(&str, i64)> = batch
        .points
        .keys()
        .filter(|key| is_callers(key))
        .map(|(measurement, _, time)| (measurement.as_str(), *time))
        .collect();
    times.sort_unstable();
    times
        .chunk_by(|one, next| one.0 == next.0 && next.1.saturating_sub(one.1) < TOGETHER)
        .map(|together| {
            let ((measurement, from), (_, to)) = (together[0], together[together.len() - 1]);
            format!(
                "SELECT version FROM {} WHERE {} = {} AND time >= {from} AND time <= {to} GROUP BY *",
                quote(measurement, NAME),
                quote(WRITER, NAME),
                quote(&CALLER.to_string(), TEXT),
            )
        })
        .collect()
}
