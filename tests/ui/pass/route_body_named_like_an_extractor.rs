//! Types of the user's with the names of other frameworks' extractors, read from the body.

use basehttp::prelude::*;
use basehttp::{FromBody, HttpError};

struct Path<T>(Vec<T>);

impl FromBody for Path<u8> {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(Self(body))
    }
}

struct HeaderMap(usize);

impl FromBody for HeaderMap {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(Self(body.len()))
    }
}

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(POST, "/paths")]
    fn path(&self, path: Path<u8>) -> String {
        path.0.len().to_string()
    }

    #[route(POST, "/headers")]
    fn headers_of_a_mail(&self, headers: HeaderMap) -> String {
        headers.0.to_string()
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.post("/paths", "text/plain", "abc").text(), "3");
    assert_eq!(client.post("/headers", "text/plain", "ab").text(), "2");
}
