//! The requests and expectations of CPython's `test_httpservers`, as bytes: the suites for the base handler, the data
//! handler and logging. Each test has the same name as there.

#[path = "cpython/base.rs"]
mod base;
#[path = "cpython/data.rs"]
mod data;
#[path = "cpython/handlers.rs"]
mod handlers;
#[path = "cpython/logging.rs"]
mod logging;
