#![forbid(
    warnings,
    deprecated,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    unreachable_code,
    unused_imports,
    unused_mut,
    unused_must_use,
    unused_variables
)]
//! A program.

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users/{id}?{q}")]
    fn user(&self, id: u32, q: Option<&str>) -> Result<String, std::io::Error> {
        Ok(format!("{id} {q:?}"))
    }

    #[route(POST, "/users")]
    fn add(&self, body: String) -> (u16, String) {
        (201, body)
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.get("/users/7").text(), "7 None");
    assert_eq!(ApiLinks.user(7, None), "/users/7");
}
