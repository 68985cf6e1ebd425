//! From text to words, the same for documents and queries. Words are lower case, without accents of Latin letters, with English plurals
//! cut. Model numbers and amounts match however they are written: `WH-1000XM4` is also `wh1000xm4`, `500GB` also `500` and `gb`.

/// Raised when words change; an index of another version is filled anew.
pub(crate) const VERSION: u32 = 2;
/// Longest word, in characters; the rest of a longer one is dropped.
const MAX_WORD: usize = 64;

/// What stands between spaces and other separators: `15-inch` has two parts, `cable` has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it is in the text, in bytes.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// Its parts, normalised, not stemmed.
    pub(crate) parts: Vec<String>,
}

impl Chunk {
    /// All parts as one word.
    pub(crate) fn joined(&self) -> String {
        stem(&self.parts.concat().chars().take(MAX_WORD).collect::<String>())
    }

    /// The words that a document holding this chunk is found by.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        self.placed().into_iter().map(|(_, word)| word)
    }

    /// As [`Chunk::words`], not stemmed: what a person who types the chunk has typed.
    pub(crate) fn written(&self) -> impl Iterator<Item = String> {
        let whole = (self.parts.len() > 1).then(|| self.parts.concat().chars().take(MAX_WORD).collect());
        let runs = self.parts.iter().filter_map(|part| runs(part));
        let runs = runs.flat_map(|(head, tail)| [head.to_owned(), tail.to_owned()]);
        self.parts.iter().cloned().chain(runs).chain(whole)
    }

    /// These words, each with the part that it begins at.
    pub(crate) fn placed(&self) -> Vec<(usize, String)> {
        let parts = || self.parts.iter().enumerate();
        let mut words: Vec<_> = parts().map(|(at, part)| (at, stem(part))).collect();
        if self.parts.len() > 1 {
            words.push((0, self.joined()));
        }
        for (at, part) in parts() {
            if let Some((head, tail)) = runs(part) {
                words.extend([(at, head.to_owned()), (at, tail.to_owned())]);
            }
        }
        words
    }
}

/// The chunks of a text.
pub(crate) fn chunks(text: &str) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut part = String::new();
    // Set while the parts belong to the chunk that is last in `chunks`.
    let mut open = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let decimal = matches!(c, '.' | ',')
            && part.ends_with(|d: char| d.is_ascii_digit())
            && next.is_some_and(|d| d.is_ascii_digit());
        if c.is_alphanumeric() || decimal {
            if part.is_empty() && !open {
                chunks.push(Chunk {
                    start: at,
                    end: at,
                    parts: Vec::new(),
                });
                open = true;
            }
            if part.len() < MAX_WORD {
                fold(c, &mut part);
            }
            if let Some(chunk) = chunks.last_mut() {
                chunk.end = at + c.len_utf8();
            }
            continue;
        }
        if let Some(chunk) = chunks.last_mut().filter(|_| !part.is_empty()) {
            chunk.parts.push(std::mem::take(&mut part));
        }
        let joins = matches!(c, '-' | '_' | '.' | '/' | '\'' | '’' | '+') && next.is_some_and(char::is_alphanumeric);
        open = open && joins;
    }
    if let Some(chunk) = chunks.last_mut().filter(|_| !part.is_empty()) {
        chunk.parts.push(part);
    }
    chunks.retain(|chunk| !chunk.parts.is_empty());
    chunks
}

/// Neighbouring words as one, which is how a pair and a compound are told to be the same: `head set` is `headset`.
pub(crate) fn pair(first: &str, second: &str) -> String {
    stem(
        &format!("{first}{second}")
            .chars()
            .take(2 * MAX_WORD)
            .collect::<String>(),
    )
}

/// A code without letters' case and punctuation, for exact matches; empty when nothing is left.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::new();
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .take(256)
        .for_each(|c| fold(c, &mut code));
    code
}

/// `500gb` as 500 and gb, `ps4` as ps and 4: the two runs of a word that has exactly two.
pub(crate) fn runs(word: &str) -> Option<(&str, &str)> {
    let kind = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let first = kind(word.chars().next()?);
    let at = word.find(|c| kind(c) != first)?;
    let (head, tail) = word.split_at(at);
    tail.chars().all(|c| kind(c) != first).then_some((head, tail))
}

/// Cuts an English plural: the S stemmer (Harman 1991), and `es` after a hissing sound. A word with a digit stays as it is.
pub(crate) fn stem(word: &str) -> String {
    let cut = |n: usize| word[..word.len() - n].to_owned();
    if word.len() <= 3 || !word.ends_with('s') || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    if word.len() > 4 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if ["ches", "shes", "sses", "xes"].iter().any(|end| word.ends_with(end)) {
        return cut(2);
    }
    if word.ends_with("ss") || word.ends_with("us") {
        word.to_owned()
    } else {
        cut(1)
    }
}

/// Lower case, and the plain letter of an accented Latin one.
pub(crate) fn fold(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
        return;
    }
    for lower in c.to_lowercase() {
        let plain = match lower {
            'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
            'ç' | 'ć' | 'č' => "c",
            'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
            'ì'..='ï' | 'ī' => "i",
            'ñ' | 'ń' | 'ň' => "n",
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'š' | 'ś' => "s",
            'ž' | 'ź' | 'ż' => "z",
            'ł' => "l",
            other => {
                into.push(other);
                continue;
            }
        };
        into.push_str(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        chunks(text).iter().flat_map(Chunk::words).collect()
    }

    #[test]
    fn writes_of_one_thing_share_a_word() {
        for (a, b, shared) in [
            ("WH-1000XM4", "wh1000xm4", "wh1000xm4"),
            ("500GB", "500 gb", "gb"),
            ("batteries", "Battery", "battery"),
            ("Switches", "switch", "switch"),
            ("cases", "case", "case"),
            ("Café", "cafe", "cafe"),
        ] {
            assert!(words(a).contains(&shared.to_owned()), "{a}: {:?}", words(a));
            assert!(words(b).contains(&shared.to_owned()), "{b}: {:?}", words(b));
        }
        assert_eq!(words("15.6\" display"), ["15.6", "display"]);
        assert_eq!(pair("head", "sets"), "headset");
        assert_eq!(code("TN-2110 / x"), "tn2110x");
    }

    #[test]
    fn any_text_is_fine() {
        for text in [
            "",
            " ",
            "\0\u{1}",
            "---",
            "''",
            "a".repeat(10_000).as_str(),
            "🦀 ½ İ ǅ \u{300}",
            "\"(+*:~^[]{}\\",
        ] {
            for chunk in chunks(text) {
                assert!(text.is_char_boundary(chunk.start) && text.is_char_boundary(chunk.end));
                assert!(chunk.words().next().is_some());
            }
        }
    }
}
