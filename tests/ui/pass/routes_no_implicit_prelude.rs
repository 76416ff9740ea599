#![no_implicit_prelude]
#![deny(warnings)]

use ::basehttp::{BaseHTTPRequestHandler as Base, http_handler, http_routes};

mod core {}
mod std {}
mod basehttp {}

#[allow(dead_code)]
struct Option;
#[allow(dead_code)]
struct Result;
#[allow(dead_code)]
struct String;

struct Api {
    base: Base,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    #[route(GET, "/users/{id}?{sort}&{tags}")]
    fn user(
        &self,
        id: u32,
        sort: ::std::option::Option<&str>,
        tags: ::std::vec::Vec<::std::string::String>,
    ) -> ::std::result::Result<::std::string::String, ::std::io::Error> {
        ::std::result::Result::Ok(::std::format!("{id} {sort:?} {}", tags.len()))
    }

    #[route(POST, "/users", limit = 1000)]
    fn add(&mut self, body: ::std::vec::Vec<u8>) -> ::std::vec::Vec<u8> {
        body
    }
}

#[http_routes(ADMIN, prefix = "/admin", guard = check)]
impl Api {
    #[::basehttp::route(GET, "")]
    fn admin(&self) -> &'static str {
        "admin"
    }

    fn check(&mut self) -> ::std::result::Result<bool, ::basehttp::HttpError> {
        ::std::result::Result::Ok(!self.command().is_empty())
    }
}

fn main() {
    let client = ::basehttp::testing::client(|base| Api { base });
    ::std::assert_eq!(client.get("/users/7?tags=a").text(), "7 None 1");
    ::std::assert_eq!(client.get("/admin").text(), "admin");
    ::std::assert_eq!(ApiLinks.user(7, ::std::option::Option::None, &["a"]), "/users/7?tags=a");
}
