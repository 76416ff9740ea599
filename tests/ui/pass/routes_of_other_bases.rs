#![deny(warnings)]

use basehttp::prelude::*;
use basehttp::{Directory, SimpleHTTPRequestHandler};

mod vendored {
    pub use ::basehttp as server;
}

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {
    #[route(GET, "/api/{name}")]
    fn api(&self, name: &str) -> String {
        name.to_owned()
    }
}

struct Tuple(u8, BaseHTTPRequestHandler);

#[http_handler(base = 1, crate = crate::vendored::server, routes = [MORE])]
impl Tuple {
    #[route(GET, "/{id}")]
    fn user(&mut self, id: u8) -> String {
        (id + self.0).to_string()
    }
}

#[http_routes(MORE, crate = crate::vendored::server, guard = check)]
impl Tuple {
    #[route(POST, "/more")]
    fn more(&mut self, body: String) -> Result<String, std::io::Error> {
        Ok(body)
    }

    fn check(self: &mut Self) -> bool {
        true
    }
}

struct Whole {
    conn: BaseHTTPRequestHandler,
}

#[http_handler(base = conn)]
impl Whole {
    #[route(GET | HEAD, "/{rest..}?{q}")]
    fn all(self: &Self, rest: String, q: Vec<&str>) -> (u16, String) {
        (203, rest + &q.concat())
    }
}

fn main() {
    let directory = Directory::open(".").expect("it is there");
    let files = move |base| Files { base: SimpleHTTPRequestHandler::new(base, &directory) };
    assert_eq!(basehttp::testing::client(files).get("/api/a").text(), "a");
    let client = basehttp::testing::client(|base| Tuple(1, base));
    assert_eq!(client.get("/7").text(), "8");
    assert_eq!(client.post("/more", "text/plain", "body").text(), "body");
    assert_eq!(basehttp::testing::client(|conn| Whole { conn }).get("/a/b?q=c").text(), "a/bc");
}
