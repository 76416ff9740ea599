//! The same bytes through our parsers and through others. Each difference must be deliberate, with a name in a table in
//! `differential/`; any other is a bug in one of them.
//!
//! Inputs come from a grammar (`grammar.rs`) and are mostly valid. Inputs that have failed once are kept in
//! `proptest-regressions` and tried first.

#[path = "differential/chunked.rs"]
mod chunked;
#[path = "differential/grammar.rs"]
mod grammar;
#[path = "differential/head.rs"]
mod head;
#[path = "differential/python.rs"]
mod python;
#[path = "differential/table.rs"]
mod table;
