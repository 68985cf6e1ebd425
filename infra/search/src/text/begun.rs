//! A text that is not typed out: a plan in which the last word is whatever it may become.

use super::{
    analysis::{Chunk, chunks, runs, stem},
    completions::Completion,
    plan::{Exact, Group, Plan, Words, plan},
};
use crate::{Error, Relevance};

/// Longer texts are not searched for by anyone who looks at suggestions, in characters.
const MAX_TYPED: usize = 200;
/// How much a word counts that what is typed begins, and one that it begins but for a letter.
const COMPLETED: [f32; 2] = [0.6, 0.4];

/// What a text means that is typed so far.
#[derive(Debug, PartialEq)]
pub(crate) struct Begun {
    /// What documents must have: every word, the last one in any of the forms that complete it.
    pub(crate) plan: Plan,
    /// The words before the last, with those mended that no document has.
    pub(crate) before: String,
    /// The last word so far; empty when it is complete.
    pub(crate) typed: String,
    /// What it may become.
    pub(crate) completions: Vec<Completion>,
}

/// Plans a text of which the last word may be incomplete; none when nothing can come of it.
pub(crate) fn begun(words: &impl Words, text: &str) -> Result<Option<Begun>, Error> {
    if text.chars().count() > MAX_TYPED {
        return Ok(None);
    }
    let plain = Relevance::default();
    let open = text.trim_end_matches(['-', '_', '.', '/', '\'', '’', '+']);
    let last = chunks(open).pop().filter(|last| last.end == open.len());
    let Some(last) = last else {
        return Ok(plan(words, text, &plain)?.map(|plan| Begun {
            before: said(&plan, text),
            plan: whole(plan),
            typed: String::new(),
            completions: Vec::new(),
        }));
    };
    let (before, typed, completions) = completed(words, &open[..last.start], &last)?;
    let mut forms = Vec::new();
    let own = words.of(&stem(&typed))?;
    if own > 0 {
        forms.push((stem(&typed), Exact(1.0)));
    }
    for completion in &completions {
        if forms.first().is_none_or(|(own, _)| *own != completion.stem) {
            let weight = COMPLETED[usize::from(completion.mended)];
            forms.push((completion.stem.clone(), Exact(weight)));
        }
    }
    if forms.is_empty() {
        return Ok(None);
    }
    let rarity = completions.iter().map(|one| one.frequency).chain([own]).max();
    let mut plan = plan(words, &before, &plain)?.unwrap_or_default();
    if plan.lengths.is_empty() {
        plan.lengths = words.lengths()?;
    }
    let before = said(&plan, &before);
    plan.groups.push(Group {
        idf: words.idf(rarity.unwrap_or(0)),
        forms,
        ..Group::default()
    });
    Ok(Some(Begun {
        plan: whole(plan),
        before,
        typed,
        completions,
    }))
}

/// Every word is needed, and no code is what a name is completed by.
fn whole(plan: Plan) -> Plan {
    Plan {
        required: u32::try_from(plan.groups.len()).unwrap_or(u32::MAX),
        code: String::new(),
        ..plan
    }
}

/// The words of a text, as they are meant.
fn said(plan: &Plan, text: &str) -> String {
    let typed = || {
        let chunks = chunks(text).into_iter();
        let words: Vec<String> = chunks
            .map(|chunk| text[chunk.start..chunk.end].to_lowercase())
            .collect();
        words.join(" ")
    };
    plan.mended.clone().unwrap_or_else(typed)
}

/// What completes the last chunk, as one word or, if nothing does so, its last part; and what stands before that.
fn completed(words: &impl Words, before: &str, last: &Chunk) -> Result<(String, String, Vec<Completion>), Error> {
    let (part, first) = last
        .parts
        .split_last()
        .map_or(("", &[][..]), |(part, first)| (part.as_str(), first));
    let first = format!("{before} {}", first.join(" "));
    let mut readings = vec![(before.to_owned(), last.parts.concat())];
    if last.parts.len() > 1 {
        readings.push((first.clone(), part.to_owned()));
    }
    if let Some((head, tail)) = runs(part) {
        readings.push((format!("{first} {head}"), tail.to_owned()));
    }
    for (before, typed) in &readings {
        let completions = words.completions(typed)?;
        if !completions.is_empty() {
            return Ok((before.clone(), typed.clone(), completions));
        }
    }
    let (before, typed) = readings.swap_remove(0);
    Ok((before, typed, Vec::new()))
}
