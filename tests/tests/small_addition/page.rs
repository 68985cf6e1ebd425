//! ARCHITECTURE.md shows what is tested here, and the lines around its diffs are where it says.

const PAGE: &str = include_str!("../../../ARCHITECTURE.md");

/// The code blocks of a language in the section on additions, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let section = PAGE
        .split("\n## ")
        .find(|section| section.starts_with("The diff of a small addition"));
    let opening = format!("```{language}\n");
    let pieces = section.unwrap().split(opening.as_str()).skip(1);
    pieces.map(|piece| piece.split("```").next().unwrap()).collect()
}

#[test]
fn both_files_stand_there_to_the_letter() {
    let [aggregate, projection] = blocks("rust")[..] else {
        panic!("the section has not two files")
    };
    assert_eq!(aggregate, include_str!("task.rs"));
    assert_eq!(projection, include_str!("tasks.rs"));
}

#[test]
fn the_lines_beside_them_are_those_that_are_tested_here() {
    let here = include_str!("main.rs");
    let [aggregate, projection] = blocks("diff")[..] else {
        panic!("the section has not two diffs")
    };
    for (diff, file) in [
        (aggregate, include_str!("../../../domain/crm/src/lib.rs")),
        (projection, include_str!("../../../domain/read-models/src/registry.rs")),
    ] {
        for line in diff.lines() {
            match line.strip_prefix('+') {
                Some(added) => assert!(here.contains(added.trim()), "{added} is not tested"),
                None => assert!(
                    file.contains(line.trim()),
                    "{line} is not in the file that the diff is of"
                ),
            }
        }
    }
}
