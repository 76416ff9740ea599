//! Routes: which function a request goes to, where its arguments come from, and what its result becomes.

#[path = "routes/answers.rs"]
mod answers;
#[path = "routes/arguments.rs"]
mod arguments;
#[path = "routes/blocks.rs"]
mod blocks;
#[path = "routes/bodies.rs"]
mod bodies;
#[path = "routes/errors.rs"]
mod errors;
#[path = "routes/links.rs"]
mod links;
#[path = "routes/matching.rs"]
mod matching;
#[path = "routes/own_errors.rs"]
mod own_errors;
#[path = "routes/pipelining.rs"]
mod pipelining;
#[path = "routes/results.rs"]
mod results;
