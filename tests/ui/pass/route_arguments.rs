#![deny(warnings)]

use std::str::FromStr;

use basehttp::prelude::*;
use basehttp::{Form, Json};

#[derive(serde::Deserialize)]
struct New {
    name: String,
}

/// Has neither `Display` nor `Debug`.
struct Point(u32, u32);

impl FromStr for Point {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (x, y) = text.split_once(',').ok_or("no comma")?;
        Ok(Self(x.parse().map_err(|_| "no number")?, y.parse().map_err(|_| "no number")?))
    }
}

struct Api {
    base: BaseHTTPRequestHandler,
    last: String,
}

#[http_handler]
impl Api {
    #[route(GET, "/kinds/{type}?{fn}&page-size={size}")]
    fn raw(&self, r#type: &str, r#fn: Option<u8>, size: Option<u8>) -> String {
        format!("{type} {fn:?} {size:?}", r#type = r#type, r#fn = r#fn)
    }

    #[route(GET, "/unused/{id}?{q}")]
    fn unused(&self, _id: u32, _q: Option<&str>) -> &str {
        "unused"
    }

    #[route(POST, "/json")]
    fn json(&self, Json(new): Json<New>) -> String {
        new.name
    }

    #[route(POST, "/form/{id}", limit = 1 << 10)]
    fn form(&self, id: u8, Form(New { name }): Form<New>) -> String {
        format!("{id} {name}")
    }

    #[route(GET, "/lifetimes?{q}")]
    fn lifetimes<'a>(&'a self, q: &'a str) -> &'a str {
        if q.is_empty() { self.command() } else { q }
    }

    #[route(GET, "/points/{point}?{more}")]
    fn point(&self, point: Point, more: Vec<Point>) -> String {
        let sum: u32 = more.iter().map(|point| point.0 * point.1).sum();
        (point.0 + point.1 + sum).to_string()
    }

    #[route(GET, "/last/{name}")]
    #[route(PUT | PATCH, "/last/{name}")]
    fn last(&mut self, name: &str) -> &str {
        self.last.push_str(name);
        &self.last
    }

    #[route(GET, "/mutable/{mut_name}")]
    fn mutable(&self, mut mut_name: String) -> String {
        mut_name.push('!');
        mut_name
    }

    #[route(POST, "/bytes")]
    fn bytes(&self, body: Vec<u8>) -> Vec<u8> {
        body
    }

    #[route("M-SEARCH", "/")]
    fn search(&self) {
        self.send_response(204);
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base, last: String::new() });
    assert_eq!(client.get("/kinds/a?fn=1&page-size=2").text(), "a Some(1) Some(2)");
    assert_eq!(client.get("/unused/7").text(), "unused");
    assert_eq!(client.post("/json", "application/json", r#"{"name": "Ann"}"#).text(), "Ann");
    assert_eq!(client.post("/form/7", "application/x-www-form-urlencoded", "name=Ann").text(), "7 Ann");
    assert_eq!(client.get("/lifetimes?q=").text(), "GET");
    assert_eq!(client.get("/points/1,2?more=3,4&more=5,6").text(), "45");
    assert_eq!(client.get("/last/a").text(), "a");
    assert_eq!(client.put("/last/b", "text/plain", "").text(), "b");
    assert_eq!(client.get("/mutable/a").text(), "a!");
    assert_eq!(client.post("/bytes", "text/plain", "abc").text(), "abc");
    assert_eq!(ApiLinks.raw("a b", None, Some(2)), "/kinds/a%20b?page-size=2");
    assert_eq!(ApiLinks.unused(7, None), "/unused/7");
    assert_eq!(ApiLinks.form(7), "/form/7");
}
