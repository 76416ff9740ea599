//! Python's names: each row of the design's table, and each sentence of Python's documentation, with its own test.

#[path = "names/addresses.rs"]
mod addresses;
#[path = "names/class_variables.rs"]
mod class_variables;
#[path = "names/documentation.rs"]
mod documentation;
#[path = "names/instance.rs"]
mod instance;
#[path = "names/log.rs"]
mod log;
#[path = "names/message_class.rs"]
mod message_class;
#[path = "names/methods.rs"]
mod methods;
#[path = "names/send.rs"]
mod send;
#[path = "names/server.rs"]
mod server;
#[path = "names/serving.rs"]
mod serving;
#[path = "names/streams.rs"]
mod streams;
#[cfg(unix)]
#[path = "names/unix_socket.rs"]
mod unix_socket;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request with a body.
pub(crate) fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
