#![deny(warnings)]
#![allow(non_upper_case_globals, dead_code)]

use basehttp::prelude::*;

const value: u8 = 1;
const target: u8 = 2;
static handler: u8 = 3;

struct Value;
struct OfError;
struct Link;

/// Methods that every type has.
trait Everywhere {
    fn kind(&self) {}
    fn keep(&self) {}
    fn map(&self) {}
    fn deref(&self) {}
    fn into_response(&self) {}
    fn into_owned(&self) {}
    fn text(&self) {}
    fn segment(&self) {}
    fn finish(&self) {}
}

impl<T> Everywhere for T {}

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/path/{path}")]
    fn path(&self, path: u8) -> String {
        path.to_string()
    }

    #[route(GET, "/segment/{segment}")]
    fn segment(&mut self, segment: &str) -> Result<String, String> {
        Ok(segment.to_owned())
    }

    #[route(GET, "/answer?{answer}")]
    fn answer(&self, answer: Option<u8>) -> Option<String> {
        answer.map(|answer| answer.to_string())
    }

    #[route(GET, "/deref/{rest..}")]
    fn deref(&self, rest: &str) -> String {
        rest.to_owned()
    }

    #[route(POST, "/kind")]
    fn kind(&self, body: String) -> String {
        body
    }

    #[route(GET, "/keep/{self_}")]
    fn keep(&self, self_: &str) -> String {
        self_.to_owned()
    }

    #[route(GET, "/new?{name}")]
    fn new(&self, name: &str) -> String {
        name.to_owned()
    }

    #[route(GET, "/clone")]
    fn clone(&self) -> &'static str {
        "clone"
    }

    #[route(GET, "/fmt")]
    fn fmt(&self) -> &'static str {
        "fmt"
    }

    #[route(GET, "/base")]
    fn base(&self) -> &'static str {
        "base"
    }

    #[route(GET, "/as_ref/{link}")]
    fn as_ref(&self, link: &str) -> String {
        link.to_owned()
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.get("/path/7").text(), "7");
    assert_eq!(client.get("/segment/a").text(), "a");
    assert_eq!(client.get("/answer?answer=7").text(), "7");
    assert_eq!(client.get("/deref/a/b").text(), "a/b");
    assert_eq!(client.post("/kind", "text/plain", "body").text(), "body");
    assert_eq!(client.get("/keep/a").text(), "a");
    assert_eq!(client.get("/new?name=a").text(), "a");
    assert_eq!(client.get("/clone").text(), "clone");
    assert_eq!(client.get("/as_ref/a").text(), "a");
    assert_eq!(ApiLinks.as_ref("a"), "/as_ref/a");
}
