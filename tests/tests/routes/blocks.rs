//! Routes in further blocks, and in a site of files.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{Client, client};
use basehttp::{Directory, HttpError, SimpleHTTPRequestHandler};

struct App {
    base: BaseHTTPRequestHandler,
    served: u32,
}

#[http_handler(routes = [ADMIN, pages])]
impl App {
    #[route(GET, "/")]
    fn index(&self) -> &'static str {
        "index"
    }

    #[route(GET, "/{section}/{name}")]
    fn anything(&self, section: &str, name: &str) -> String {
        format!("anything {section} {name}")
    }

    #[route(POST, "/pages/{name}")]
    fn new_page(&self, name: &str) -> String {
        format!("new {name}")
    }

    fn is_admin(&self) -> bool {
        self.headers().get("X-Admin").is_some()
    }
}

mod admin {
    use super::{App, HttpError, http_routes};

    #[http_routes(ADMIN, prefix = "/admin", guard = require_login)]
    impl App {
        #[route(GET, "")]
        fn admin(&self) -> &'static str {
            "admin"
        }

        #[route(GET, "/users/{id}?{verbose}")]
        fn admin_user(&self, id: u32, verbose: Option<bool>) -> String {
            format!("admin user {id} {verbose:?}")
        }

        #[route(POST, "/users")]
        fn admin_add(&mut self, name: String) -> String {
            self.served += 1;
            name
        }

        fn require_login(&self) -> Result<(), HttpError> {
            if self.is_admin() {
                return Ok(());
            }
            Err(HttpError::new(401, "Log in").with_header("WWW-Authenticate", "Basic realm=\"admin\""))
        }
    }

    #[test]
    fn links_of_a_block_have_its_prefix() {
        assert_eq!(AdminLinks.admin(), "/admin");
        assert_eq!(AdminLinks.admin_user(7, Some(true)), "/admin/users/7?verbose=true");
    }
}

mod pages {
    use std::io;

    use super::App;
    use basehttp::prelude::*;

    #[http_routes(pages, prefix = "/pages/{name}", guard = counts)]
    impl App {
        #[route(GET, "")]
        fn page(&self, name: &str) -> String {
            format!("page {name} {}", self.served)
        }

        #[route(GET, "/raw")]
        fn raw(&self, name: &str) -> String {
            format!("raw {name} {}", self.served)
        }

        fn counts(&mut self) -> io::Result<bool> {
            self.served += 1;
            if self.path().contains("secret") {
                self.send_error((403, "Secret"))?;
                return Ok(false);
            }
            Ok(true)
        }
    }

    #[test]
    fn a_parameter_of_the_prefix_is_one_of_the_links() {
        assert_eq!(PagesLinks.raw("a b"), "/pages/a%20b/raw");
    }
}

fn app() -> Client<'static> {
    client(|base| App { base, served: 0 })
}

#[test]
fn a_path_goes_to_the_closest_pattern_of_all_blocks() {
    for (target, told) in [
        ("/", "index"),
        ("/a/b", "anything a b"),
        ("/pages/x", "page x 1"),
        ("/pages/x/raw", "raw x 1"),
        // A literal is closer, in whichever block it is.
        ("/admin/x", "anything admin x"),
    ] {
        assert_eq!(app().get(target).text(), told, "{target}");
    }
    assert_eq!(app().post("/pages/x", "text/plain", "").text(), "new x");
}

#[test]
fn the_methods_of_a_path_are_those_of_all_blocks() {
    let response = app().request("DELETE", "/pages/x").send();
    assert_eq!((response.status, response.header("allow")), (405, Some("POST, GET, HEAD, OPTIONS")));
    let response = app().get("/admin/users");
    assert_eq!((response.status, response.header("allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn a_guard_stands_before_the_routes_of_its_block() {
    let stranger = app().get("/admin/users/7");
    assert_eq!((stranger.status, stranger.header("www-authenticate")), (401, Some("Basic realm=\"admin\"")));
    // It is called before the arguments are read.
    assert_eq!(app().get("/admin/users/x").status, 401);
    let admin = app().with_header("X-Admin", "yes");
    assert_eq!(admin.get("/admin/users/7?verbose=true").text(), "admin user 7 Some(true)");
    assert_eq!(admin.get("/admin/users/x").status, 404);
    assert_eq!(admin.get("/admin").text(), "admin");
    assert_eq!(admin.post("/admin/users", "text/plain", "Ann").text(), "Ann");
    let secret = app().get("/pages/secret");
    assert_eq!((secret.status, &*secret.reason), (403, "Secret"));
    assert_eq!(app().get("/pages/x").status, 200);
}

struct Site {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Site {
    #[route(GET, "/api/version")]
    fn version(&self) -> &'static str {
        "1.0"
    }

    #[route(POST, "/Cargo.toml")]
    fn write(&self, body: Vec<u8>) -> io::Result<String> {
        Ok(body.len().to_string())
    }
}

#[test]
fn a_site_with_an_api_is_one_block() {
    let files = Directory::open(env!("CARGO_MANIFEST_DIR")).expect("it is there");
    let site = client(move |base| Site { base: SimpleHTTPRequestHandler::new(base, &files) });
    assert_eq!(site.get("/api/version").text(), "1.0");
    assert!(site.get("/Cargo.toml").text().starts_with("[package]"));
    assert_eq!(site.head("/Cargo.toml").status, 200);
    assert_eq!(site.post("/Cargo.toml", "text/plain", "abc").text(), "3");
    assert_eq!(site.get("/nothing").status, 404);
    let refused = site.post("/api/version", "text/plain", "");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(site.post("/other", "text/plain", "").status, 404);
}

/// A handler of a generic type, with routes of its own and in another block.
struct Generic<T> {
    base: BaseHTTPRequestHandler,
    value: T,
}

#[http_handler(routes = [MORE])]
impl<T: Clone + ToString + std::str::FromStr<Err: std::fmt::Display>> Generic<T> {
    #[route(GET, "/value")]
    fn value(&self) -> String {
        self.value.to_string()
    }

    #[route(PUT, "/value/{value}")]
    fn set(&mut self, value: T) -> String {
        self.value = value.clone();
        value.to_string()
    }
}

#[http_routes(MORE, prefix = "/more")]
impl<T: Clone + ToString + std::str::FromStr<Err: std::fmt::Display>> Generic<T> {
    #[route(GET, "?{value}")]
    fn more(&self, value: Option<T>) -> String {
        value.map_or_else(|| self.value.to_string(), |value| value.to_string())
    }
}

#[test]
fn generic_handlers_have_routes() {
    let client = client(|base| Generic { base, value: 7_u32 });
    assert_eq!(client.get("/value").text(), "7");
    assert_eq!(client.request("PUT", "/value/8").send().text(), "8");
    assert_eq!(client.request("PUT", "/value/x").send().status, 404);
    assert_eq!(client.get("/more").text(), "7");
    assert_eq!(client.get("/more?value=9").text(), "9");
    assert_eq!(client.get("/more?value=x").status, 400);
    assert_eq!(GenericLinks.set(5), "/value/5");
    assert_eq!(MoreLinks.more(Some(&5)), "/more?value=5");
}
