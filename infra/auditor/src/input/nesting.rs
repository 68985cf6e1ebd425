//! Refuses sources that are nested deeper than a parser on a stack can go: `syn` recurses, and a stack that overflows ends the process.

/// The deepest nesting that is parsed: brackets open at once, and tokens on the way down that can each add a level (`!!!!x`, `a.b.c`, `a + b + c`).
pub const DEEPEST: usize = 3_000;

/// The stack of a thread that parses, bytes. Only touched pages count as memory.
pub const STACK: usize = 1 << 30;

/// Whether the text can be parsed on a stack of [`STACK`] bytes.
pub fn fits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    // For each open bracket: how many levels what stands before it can add.
    let mut open: Vec<usize> = Vec::new();
    let mut run = 0_usize;
    let mut sum = 0_usize;
    let mut closed = false;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = after_comment(bytes, at);
                continue;
            }
            b'"' => {
                at = after_string(bytes, at + 1);
                run += 1;
            }
            b'r' | b'b' | b'c' if raw_string(bytes, at).is_some() => {
                at = raw_string(bytes, at).unwrap_or(at + 1);
                run += 1;
            }
            b'\'' => {
                at = after_quote(bytes, at);
                run += 1;
            }
            b'(' | b'[' | b'{' => {
                open.push(run);
                sum += run + 1;
                run = 0;
                at += 1;
            }
            b')' | b']' | b'}' => {
                if let Some(before) = open.pop() {
                    sum -= before + 1;
                    run = before;
                }
                at += 1;
                closed = byte == b'}';
                if run + sum > DEEPEST {
                    return false;
                }
                continue;
            }
            b';' | b',' => {
                run = 0;
                at += 1;
            }
            _ if byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80 => {
                let start = at;
                while at < bytes.len() && (bytes[at] == b'_' || bytes[at].is_ascii_alphanumeric() || bytes[at] >= 0x80)
                {
                    at += 1;
                }
                // After a block, a word other than these begins the next statement or item.
                if closed && !matches!(&bytes[start..at], b"else" | b"as") {
                    run = 0;
                }
                run += 1;
            }
            b'#' => {
                if closed {
                    run = 0;
                }
                run += 1;
                at += 1;
            }
            _ => {
                run += 1;
                at += 1;
            }
        }
        closed = false;
        if run + sum > DEEPEST {
            return false;
        }
    }
    true
}

fn after_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn after_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where a raw string that begins here ends.
fn raw_string(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && (bytes[at - 1] == b'_' || bytes[at - 1].is_ascii_alphanumeric()) {
        return None;
    }
    let mut on = at;
    if matches!(bytes[on], b'b' | b'c') {
        on += 1;
    }
    if bytes.get(on) != Some(&b'r') {
        return None;
    }
    on += 1;
    let mut hashes = 0;
    while bytes.get(on) == Some(&b'#') {
        hashes += 1;
        on += 1;
    }
    if bytes.get(on) != Some(&b'"') {
        return None;
    }
    on += 1;
    while on < bytes.len() {
        if bytes[on] == b'"'
            && bytes[on + 1..]
                .iter()
                .take(hashes)
                .filter(|byte| **byte == b'#')
                .count()
                == hashes
        {
            return Some(on + 1 + hashes);
        }
        on += 1;
    }
    Some(bytes.len())
}

/// After a character or a lifetime.
fn after_quote(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at + 1) {
        Some(b'\\') => {
            let mut on = at + 3;
            while on < bytes.len() && bytes[on] != b'\'' && bytes[on] != b'\n' {
                on += 1;
            }
            on + 1
        }
        Some(first) => {
            let width = match first {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            if bytes.get(at + 1 + width) == Some(&b'\'') {
                at + width + 2
            } else {
                at + 1
            }
        }
        None => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_code_fits_and_towers_do_not() {
        assert!(fits(include_str!("nesting.rs")));
        assert!(!fits(&"(".repeat(DEEPEST + 1)));
        assert!(!fits(&format!("fn a() {{ {}x }}", "!".repeat(DEEPEST))));
        assert!(!fits(&format!("fn a() {{ x{} }}", ".b()".repeat(DEEPEST))));
        assert!(!fits(&format!("fn a() {{ {} {{}} }}", "if a {} else ".repeat(DEEPEST))));
    }

    #[test]
    fn brackets_in_text_and_many_items_do_not_count() {
        assert!(fits(
            &"fn a() { f(\"((((\", '(', r#\"((\"((\"#); /* ((( */ } // (((\n".repeat(2_000)
        ));
        assert!(fits(&format!("fn f<'a>() {{ {} }}", "if a { b() } ".repeat(2_000))));
    }
}
