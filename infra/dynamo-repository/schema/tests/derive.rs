//! What compiles and what does not: each mistake with the message its author gets.

#[test]
fn mistakes_are_explained_and_good_rows_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/fail/*.rs");
    cases.pass("tests/pass/*.rs");
}
