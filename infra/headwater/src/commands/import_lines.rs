//! The lines of product files, as commands. A line's command id is a hash of its content, so the same line is the same command.

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Longest line that is read.
const MAX_LINE: u64 = 1 << 20;

/// Where a line stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A product of a file: its id and the rest of the line.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) place: Place,
    id: String,
    payload: Map<String, Value>,
    content: [u8; 32],
}

impl Product {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn read(place: Place, line: &[u8]) -> Result<Self, String> {
        let Value::Object(mut payload) = serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?
        else {
            return Err("not a JSON object".into());
        };
        // The order of members does not count: a map is sorted.
        let content = Sha256::digest(serde_json::to_vec(&payload).unwrap_or_default()).into();
        match payload.remove("id") {
            Some(Value::String(id)) => Ok(Self {
                place,
                id,
                payload,
                content,
            }),
            Some(_) => Err("its id is no string".into()),
            None => Err("it has no id".into()),
        }
    }

    /// The line to send. `after` is the version that this content shall follow, when the product has changed since it had it before.
    pub(crate) fn command(&self, after: Option<u64>) -> Vec<u8> {
        let mut id: String = self.content.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        if let Some(version) = after {
            id = format!("{id}-after-{version}");
        }
        let line = json!({
            "context": "catalog", "aggregate": "products", "id": self.id, "command": "import",
            "payload": self.payload, "command_id": format!("import-{id}"),
        });
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Reads a file and hands over each product, or what is wrong with a line; stops early when `take` says so.
pub(crate) fn read(path: &Path, mut take: impl FnMut(Result<Product, (Place, String)>) -> bool) -> Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let plain: Box<dyn Read> = if packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = BufReader::with_capacity(1 << 18, plain);
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        let read = (&mut reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {} after line {number}", path.display()))?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        let place = Place {
            file: path.to_owned(),
            line: number,
        };
        if read as u64 == MAX_LINE && !line.ends_with(b"\n") {
            skip_line(&mut reader).with_context(|| format!("cannot read {place}"))?;
            if !take(Err((place, format!("longer than {MAX_LINE} bytes")))) {
                return Ok(());
            }
            continue;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if !take(Product::read(place.clone(), &line).map_err(|why| (place, why))) {
            return Ok(());
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                reader.consume(at + 1);
                return Ok(());
            }
            None => {
                let all = buffer.len();
                reader.consume(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(text: &[u8]) -> Vec<Result<String, String>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut all = Vec::new();
        read(file.path(), |line| {
            all.push(
                line.map(|product| product.id)
                    .map_err(|(place, why)| format!("{} {why}", place.line)),
            );
            true
        })
        .unwrap();
        all
    }

    #[test]
    fn bad_lines_are_numbered_and_the_rest_is_read() {
        let mut text = b"{\"id\":\"a\"}\n\nnonsense\n[1]\n{\"id\":1}\n{\"sku\":\"x\"}\n".to_vec();
        text.extend(vec![b'x'; MAX_LINE as usize + 10]);
        text.extend(b"\n{\"id\":\"b\"}");
        let all = lines(&text);
        assert_eq!(all[0], Ok("a".into()));
        assert_eq!(all.last(), Some(&Ok("b".into())));
        let wrong: Vec<_> = all.iter().filter_map(|line| line.as_ref().err()).collect();
        assert!(wrong[0].starts_with("3 not JSON"), "{wrong:?}");
        assert_eq!(
            wrong[1..4],
            ["4 not a JSON object", "5 its id is no string", "6 it has no id"]
        );
        assert!(wrong[4].starts_with("7 longer than"));
    }

    #[test]
    fn the_same_content_is_the_same_command() {
        let product = |line: &str| {
            Product::read(
                Place {
                    file: "f".into(),
                    line: 1,
                },
                line.as_bytes(),
            )
            .unwrap()
        };
        let (a, b) = (
            product(r#"{"id":"a","sku":"x"}"#),
            product(r#"{ "sku": "x", "id": "a" }"#),
        );
        assert_eq!(a.command(None), b.command(None));
        assert_ne!(a.command(None), a.command(Some(3)));
        assert_ne!(a.command(None), product(r#"{"id":"a","sku":"y"}"#).command(None));
    }
}
