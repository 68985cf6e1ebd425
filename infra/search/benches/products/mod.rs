//! The real products and their judgments, as documents.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

pub(crate) struct Data {
    pub(crate) documents: Vec<Value>,
    /// By query, by product.
    pub(crate) judgments: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Data {
    pub(crate) fn load() -> Option<Self> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/products");
        let folder = std::env::var_os("HEADWATER_PRODUCTS").map_or(default, PathBuf::from);
        let Ok(products) = File::open(folder.join("products.ndjson.gz")) else {
            println!(
                "no products.ndjson.gz in {}; set HEADWATER_PRODUCTS to its folder",
                folder.display()
            );
            return None;
        };
        let lines = BufReader::new(GzDecoder::new(products)).lines();
        let documents = lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        let mut judgments = BTreeMap::<String, BTreeMap<String, u32>>::new();
        let mut csv = String::new();
        File::open(folder.join("judgments.csv"))
            .ok()?
            .read_to_string(&mut csv)
            .ok()?;
        for line in csv.lines().skip(1) {
            let mut parts = line.rsplitn(3, ',');
            let (rating, product, query) = (parts.next()?, parts.next()?, parts.next()?);
            let query = query.trim_matches('"').replace("\"\"", "\"");
            judgments
                .entry(query)
                .or_default()
                .insert(product.to_owned(), rating.parse().ok()?);
        }
        Some(Self { documents, judgments })
    }
}
