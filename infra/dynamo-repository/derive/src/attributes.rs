//! Reading `#[dynamo(…)]`: which attributes there are, and what someone may have meant by another.

use crate::errors::Errors;
use syn::{DeriveInput, LitStr, meta::ParseNestedMeta};

const NAMES: &[&str] = &[
    "table",
    "entity",
    "pk",
    "sk",
    "gsi1_pk",
    "gsi1_sk",
    "gsi1_name",
    "gsi2_pk",
    "gsi2_sk",
    "gsi2_name",
    "gsi3_pk",
    "gsi3_sk",
    "gsi3_name",
];

/// What is given, by name.
#[derive(Default)]
pub(crate) struct Attributes {
    given: Vec<(String, LitStr)>,
    /// The names that unknown attributes are near to: they are not reported as missing on top.
    meant: Vec<&'static str>,
    /// Indexes past the third that were reported.
    too_many: Vec<String>,
}

impl Attributes {
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut all = Self::default();
        for attribute in input
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("dynamo"))
        {
            if let Err(error) = attribute.parse_nested_meta(|meta| all.take(&meta, errors)) {
                errors.push(error);
            }
        }
        all
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let value: LitStr = meta.value()?.parse()?;
        if NAMES.contains(&name.as_str()) {
            if self.get(&name).is_some() {
                errors.push(meta.error(format!("`{name}` is given twice")));
            }
            self.given.push((name, value));
        } else if let Some(index) = index_past_three(&name) {
            if !self.too_many.iter().any(|known| known == index) {
                self.too_many.push(index.to_owned());
                errors.push(meta.error(format!(
                    "{index} is one too many: an entity has at most three indexes, gsi1 to gsi3; what needs more belongs in search"
                )));
            }
        } else {
            let near = nearest(&name, NAMES.iter().copied());
            self.meant.extend(near);
            errors.push(meta.error(format!("unknown attribute `{name}`{}", hint(near))));
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&LitStr> {
        self.given
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value)
    }

    /// Whether an unknown attribute was probably this one.
    pub(crate) fn meant(&self, name: &str) -> bool {
        self.meant.contains(&name)
    }
}

/// `gsi4` of `gsi4_pk`.
fn index_past_three(name: &str) -> Option<&str> {
    let index = name.split('_').next()?;
    let number: u32 = index.strip_prefix("gsi")?.parse().ok()?;
    (number > 3).then_some(index)
}

/// The known name that is nearest, when any is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3)
        .min()
        .map(|(_, known)| known)
}

/// `; did you mean …?` when there is something near.
pub(crate) fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Insertions, deletions, substitutions and swaps of neighbours from one to the other (optimal string alignment; Wagner and Fischer 1974
/// with Damerau's swaps).
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut all = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            all[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let substituted = all[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = substituted.min(all[i - 1][j] + 1).min(all[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(all[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    all[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_meant() {
        let near = |name| nearest(name, NAMES.iter().copied());
        assert_eq!(
            (near("tabel"), near("skk"), near("gsi1_pkk")),
            (Some("table"), Some("sk"), Some("gsi1_pk"))
        );
        assert_eq!((near("colour"), near("")), (None, None));
        assert_eq!(
            (index_past_three("gsi4_pk"), index_past_three("gsi12")),
            (Some("gsi4"), Some("gsi12"))
        );
        assert_eq!((index_past_three("gsi1_x"), index_past_three("gsix_pk")), (None, None));
    }
}
