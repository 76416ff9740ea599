#![deny(warnings)]

use std::fmt::Display;
use std::str::FromStr;

use basehttp::prelude::*;

trait Store {
    type Key: FromStr<Err: Display>;

    fn find(&self, key: Self::Key) -> Option<String>;
}

struct Squares;

impl Store for Squares {
    type Key = u32;

    fn find(&self, key: u32) -> Option<String> {
        Some((key * key).to_string())
    }
}

struct Api<S, const N: usize> {
    base: BaseHTTPRequestHandler,
    store: S,
}

#[http_handler(routes = [ADMIN])]
impl<S: Store, const N: usize> Api<S, N> {
    #[route(GET, "/{key}")]
    fn find(&self, key: S::Key) -> Option<String> {
        self.store.find(key)
    }

    #[route(GET, "/n")]
    fn n(&self) -> String {
        N.to_string()
    }
}

#[http_routes(ADMIN, prefix = "/admin/{name}", guard = check)]
impl<S, const N: usize> Api<S, N>
where
    S: Store,
{
    #[route(GET, "")]
    fn admin(&self, name: &str) -> String {
        name.to_owned()
    }

    #[route(GET, "/keys?{keys}")]
    fn admin_keys(&self, name: String, keys: Vec<S::Key>) -> String {
        format!("{name} {}", keys.len())
    }

    fn check(&self) -> bool {
        true
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api::<_, 3> { base, store: Squares });
    assert_eq!(client.get("/7").text(), "49");
    assert_eq!(client.get("/n").text(), "3");
    assert_eq!(client.get("/admin/a").text(), "a");
    assert_eq!(client.get("/admin/a/keys?keys=1&keys=2").text(), "a 2");
    assert_eq!(ApiLinks.find(7), "/7");
    assert_eq!(AdminLinks.admin_keys("a", &[&1, &2]), "/admin/a/keys?keys=1&keys=2");
}
