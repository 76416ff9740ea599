//! Links to routes.

use std::net::IpAddr;

use basehttp::prelude::*;
use basehttp::testing::client;

struct Shop {
    base: BaseHTTPRequestHandler,
}

/// A type that can be parsed and not displayed: it must not affect the others.
struct Opaque;

impl std::str::FromStr for Opaque {
    type Err = std::convert::Infallible;

    fn from_str(_: &str) -> Result<Self, Self::Err> {
        Ok(Self)
    }
}

#[http_handler]
impl Shop {
    #[route(GET, "/")]
    fn index(&self) -> &'static str {
        "index"
    }

    #[route(GET, "/items/{id}/{name}")]
    fn item(&self, id: u32, name: &str) -> String {
        format!("{id} {name}")
    }

    #[route(GET, "/files/{path..}")]
    fn file(&self, path: String) -> String {
        path
    }

    #[route(GET, "/search?{q}&{limit}&{tag}&sort-by={sort}")]
    fn search(&self, q: &str, limit: Option<u8>, tag: Vec<String>, sort: Option<String>) -> String {
        format!("{q} {limit:?} {tag:?} {sort:?}")
    }

    #[route(GET, "/hosts/{address}?{near}")]
    fn host(&self, address: IpAddr, near: Option<IpAddr>) -> String {
        format!("{address} {near:?}")
    }

    #[route(GET, "/caf\u{e9} au lait/{_new}")]
    #[route(GET, "/coffee/{_new}")]
    fn spelled(&self, _new: bool) -> &'static str {
        "spelled"
    }

    #[route(GET, "/opaque/{value}")]
    fn opaque(&self, value: Opaque) -> &'static str {
        let Opaque = value;
        "opaque"
    }
}

#[test]
fn a_link_leads_to_its_route() {
    let client = client(|base| Shop { base });
    let address = IpAddr::from([127, 0, 0, 1]);
    for (link, written, told) in [
        (ShopLinks.index(), "/", "index"),
        (ShopLinks.item(7, "a/b?c#d%e f"), "/items/7/a%2Fb%3Fc%23d%25e%20f", "7 a/b?c#d%e f"),
        (ShopLinks.file("a b/c?d"), "/files/a%20b/c%3Fd", "a b/c?d"),
        (
            ShopLinks.search("a&b=c+d", Some(5), &["x", "y z"], Some("\u{e9}")),
            "/search?q=a%26b%3Dc%2Bd&limit=5&tag=x&tag=y%20z&sort-by=%C3%A9",
            "a&b=c+d Some(5) [\"x\", \"y z\"] Some(\"\u{e9}\")",
        ),
        (ShopLinks.search("", None, &[], None), "/search?q=", " None [] None"),
        (
            ShopLinks.host(address, Some(&address)),
            "/hosts/127.0.0.1?near=127.0.0.1",
            "127.0.0.1 Some(127.0.0.1)",
        ),
        (ShopLinks.host(address, None), "/hosts/127.0.0.1", "127.0.0.1 None"),
        // Of two routes the first.
        (ShopLinks.spelled(true), "/caf%C3%A9%20au%20lait/true", "spelled"),
    ] {
        assert_eq!(link, written);
        assert_eq!(client.get(&link).text(), told, "{link}");
    }
    assert_eq!(client.get("/opaque/x").text(), "opaque");
}
