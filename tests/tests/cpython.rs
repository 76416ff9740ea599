//! The requests and expectations of CPython's `test_httpservers`, as bytes: the suites of the base handler, of the data
//! handler and of logging. Each test has the name that it has there.

#[path = "cpython/base.rs"]
mod base;
#[path = "cpython/data.rs"]
mod data;
#[path = "cpython/handlers.rs"]
mod handlers;
#[path = "cpython/logging.rs"]
mod logging;
