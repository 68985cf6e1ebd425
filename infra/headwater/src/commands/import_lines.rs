//! The lines of product files, as commands. A line's command id is a hash of its content, so the same line is the same command.

use anyhow::{Context, Result, anyhow, bail};
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Longest line that is read.
const MAX_LINE: u64 = 1 << 20;
/// How gzip begins (RFC 1952), and how some editors begin what is UTF-8.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Where a line stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", shown(&self.file), self.line)
    }
}

/// Whether a file is what comes in on standard input.
fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn shown(file: &Path) -> String {
    if is_standard_input(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

/// Refuses what is missing or no file, before anything is sent.
pub(super) fn check(files: &[PathBuf]) -> Result<()> {
    for file in files.iter().filter(|file| !is_standard_input(file)) {
        let found = std::fs::metadata(file).with_context(|| format!("cannot open {}", file.display()))?;
        if found.is_dir() {
            bail!(
                "{0} is a folder; name its files, such as {0}/*.ndjson.gz",
                file.display()
            );
        }
    }
    Ok(())
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

/// Reads a file, `-` being standard input, and hands over each product, or what is wrong with a line; stops early when `take` says so.
pub(super) fn read(path: &Path, take: impl FnMut(Result<Product, (Place, String)>) -> bool) -> Result<()> {
    let file: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
    };
    let (start, packed) = start_of(file).with_context(|| format!("cannot read {}", shown(path)))?;
    let mut last = 0;
    let read = if packed {
        read_lines(path, MultiGzDecoder::new(start), &mut last, take)
    } else {
        read_lines(path, start, &mut last, take)
    };
    read.map_err(|error| {
        let (file, count) = (shown(path), last);
        match error.kind() {
            io::ErrorKind::UnexpectedEof if packed => anyhow!(
                "{file} ends in the middle of its gzip data, after line {count}: it was not copied or written to its end. \
                 What stands before is imported; run this again with the whole file"
            ),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if packed => anyhow!(
                "{file} is damaged: its gzip data cannot be unpacked after line {count} ({error}). What stands before is imported; \
                 run this again with a good copy"
            ),
            _ => anyhow!("cannot read {file} after line {count}: {error}"),
        }
    })
}

/// A file from its start, and whether it is gzip: by its first bytes, as names say little.
fn start_of(mut file: impl Read) -> io::Result<(impl Read, bool)> {
    let mut first = Vec::new();
    file.by_ref().take(GZIP.len() as u64).read_to_end(&mut first)?;
    let packed = first == GZIP;
    Ok((io::Cursor::new(first).chain(file), packed))
}

/// Reads lines; `last` is the number of the last whole one.
fn read_lines(
    path: &Path,
    plain: impl Read,
    last: &mut u64,
    mut take: impl FnMut(Result<Product, (Place, String)>) -> bool,
) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 18, plain);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let place = Place {
            file: path.to_owned(),
            line: *last + 1,
        };
        if read as u64 == MAX_LINE && !line.ends_with(b"\n") {
            skip_line(&mut reader)?;
            *last += 1;
            if !take(Err((place, format!("longer than {MAX_LINE} bytes")))) {
                return Ok(());
            }
            continue;
        }
        *last += 1;
        let text = match line.strip_prefix(&BYTE_ORDER_MARK) {
            Some(text) if *last == 1 => text,
            _ => &line,
        };
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if !take(Product::read(place.clone(), text).map_err(|why| (place, why))) {
            return Ok(());
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
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

    type Lines = Vec<Result<String, String>>;

    fn try_lines(text: &[u8]) -> (Lines, Result<()>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut all = Vec::new();
        let read = read(file.path(), |line| {
            all.push(
                line.map(|product| product.id)
                    .map_err(|(place, why)| format!("{} {why}", place.line)),
            );
            true
        });
        (all, read)
    }

    fn lines(text: &[u8]) -> Lines {
        let (all, read) = try_lines(text);
        read.unwrap();
        all
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn gzip_is_known_by_its_bytes_and_a_byte_order_mark_is_none_of_the_text() {
        let text = b"\xef\xbb\xbf{\"id\":\"a\"}\n{\"id\":\"b\"}\n";
        let both = vec![Ok("a".to_owned()), Ok("b".to_owned())];
        assert_eq!(lines(text), both);
        assert_eq!(lines(&packed(text)), both, "the file has no suffix");
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"{").len(), 1);
        let second = lines(b"{\"id\":\"a\"}\n\xef\xbb\xbf{\"id\":\"b\"}\n");
        assert!(second[1].is_err(), "it stands at the start alone");
    }

    #[test]
    fn what_ends_early_says_so_and_what_stands_before_is_read() {
        let whole = packed(b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
        let (read, error) = try_lines(&whole[..whole.len() - 12]);
        let error = error.unwrap_err().to_string();
        assert_eq!(read, [Ok("a".to_owned())]);
        assert!(
            error.contains("in the middle of its gzip data, after line 1"),
            "{error}"
        );
        let mut damaged = whole;
        let end = damaged.len() - 6;
        damaged[end] ^= 0xff;
        let error = try_lines(&damaged).1.unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = check(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{error}");
        assert!(check(&["-".into()]).is_ok());
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
