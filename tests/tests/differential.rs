//! The same bytes through our parsers and through others. Where they do not agree, it is on purpose and has a name in a table
//! of `differential/`; anything else is a bug of one of them.
//!
//! Inputs come from a grammar (`grammar.rs`) that is mostly right. What has failed once is kept in `proptest-regressions`
//! and tried first ever after.

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
