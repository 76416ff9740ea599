//! Whatever a handler does, the client reads one well-formed response for each request, or sees that a response is
//! truncated.

#[path = "properties/actor.rs"]
mod actor;
#[path = "properties/check.rs"]
mod check;
#[path = "properties/defects.rs"]
mod defects;
#[path = "properties/memory.rs"]
mod memory;
#[path = "properties/model.rs"]
mod model;
#[path = "properties/page.rs"]
mod page;
#[path = "properties/program.rs"]
mod program;
#[path = "properties/second.rs"]
mod second;
#[path = "properties/section_6.rs"]
mod section_6;
#[path = "properties/strategy.rs"]
mod strategy;
#[cfg(target_os = "linux")]
#[path = "properties/tcp.rs"]
mod tcp;
