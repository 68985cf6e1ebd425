//! An object: lines of JSON, compressed. Its bytes follow from its lines alone.

use crate::{Error, Hour, Line};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use headwater_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// Most bytes of an object's lines: it is read whole.
const MOST_BYTES: u64 = 1 << 30;

/// What a digest says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
    /// How many lines it has.
    pub lines: u64,
    /// The earliest time of a line.
    pub first_time: Timestamp,
    /// The latest time of a line.
    pub last_time: Timestamp,
}

/// The name of an object: its number in the region, in the folder of its hour.
pub(crate) fn name(region: &str, hour: Hour, number: u64) -> String {
    format!("{}{number:020}.jsonl.gz", hour.folder(region))
}

/// The number of a name, if it is one of an object.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let file = name.rsplit('/').next()?.strip_suffix(".jsonl.gz")?;
    file.parse().ok().filter(|_| file.len() == 20)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines as bytes, compressed without a time or a name, so that the same lines are the same bytes.
pub(crate) fn bytes(lines: &[Line]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    for line in lines {
        serde_json::to_writer(&mut encoder, line)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

/// What a digest will say of it.
pub(crate) fn entry(name: &str, bytes: &[u8], lines: &[Line]) -> Entry {
    let times = || lines.iter().map(|line| line.time);
    Entry {
        name: name.to_owned(),
        size: bytes.len() as u64,
        sha256: sha256(bytes),
        lines: lines.len() as u64,
        first_time: times().min().unwrap_or_default(),
        last_time: times().max().unwrap_or_default(),
    }
}

/// The text of an object.
pub(crate) fn text(name: &str, bytes: &[u8]) -> Result<String, Error> {
    let mut text = String::new();
    let mut decoder = GzDecoder::new(bytes).take(MOST_BYTES);
    decoder
        .read_to_string(&mut text)
        .map_err(|error| Error::altered(name, format!("it cannot be decompressed: {error}")))?;
    // What stands after the compressed part is no part of it.
    if !decoder.into_inner().into_inner().is_empty() {
        return Err(Error::altered(name, "something follows its end"));
    }
    Ok(text)
}
