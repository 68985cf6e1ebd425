//! Lines of a file that a product had before and has no more. A file is the desired state, so such a line is sent again as a change; and when
//! a product comes twice in a file, the last of its lines is the desired one, else each run would turn it from one to the other.

use super::import_lines::Product;
use std::collections::HashMap;

/// By product the line to send again, and the version that it shall follow.
#[derive(Debug, Default)]
pub(super) struct Again(HashMap<String, (Product, u64)>);

impl Again {
    /// A line that its product has no more, which is at this version now.
    pub(super) fn note(&mut self, product: Product, version: u64) {
        self.0.insert(product.id().to_owned(), (product, version));
    }

    /// Another line of the product came; whether one before it was noted.
    pub(super) fn forget(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }

    /// The lines, in the order of the file.
    pub(super) fn into_lines(self) -> Vec<(Product, u64)> {
        let mut lines: Vec<_> = self.0.into_values().collect();
        lines.sort_by(|(a, _), (b, _)| (&a.place.file, a.place.line).cmp(&(&b.place.file, b.place.line)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{super::import_lines::Place, *};

    #[test]
    fn of_a_product_that_comes_twice_the_last_line_counts() {
        let product = |line: u64, id: &str| {
            let place = Place { file: "f".into(), line };
            Product::read(place, format!(r#"{{"id":"{id}","sku":"{line}"}}"#).as_bytes()).unwrap()
        };
        let mut again = Again::default();
        for (line, id) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            again.forget(id);
            again.note(product(line, id), line);
        }
        // The fifth line is what c is already.
        assert!(again.forget("c"));
        assert!(!again.forget("c"));
        let lines: Vec<_> = again
            .into_lines()
            .into_iter()
            .map(|(product, _)| product.place.line)
            .collect();
        assert_eq!(lines, [2, 3]);
    }
}
