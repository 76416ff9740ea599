//! Which pattern matches a path.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::client;

struct Paths {
    base: BaseHTTPRequestHandler,
}

/// Each function answers with its own name, and with its arguments.
#[http_handler]
impl Paths {
    #[route(GET, "/")]
    fn root(&self) -> &'static str {
        "root"
    }

    #[route(GET, "/users")]
    fn users(&self) -> &'static str {
        "users"
    }

    #[route(GET, "/users/")]
    fn users_slash(&self) -> &'static str {
        "users/"
    }

    // The order in the source does not matter.
    #[route(GET, "/users/{id}")]
    fn user(&self, id: &str) -> String {
        format!("user {id}")
    }

    #[route(GET, "/users/me")]
    fn me(&self) -> &'static str {
        "me"
    }

    #[route(GET, "/users/{id}/posts/{post}")]
    fn post(&self, id: &str, post: &str) -> String {
        format!("post {id} {post}")
    }

    #[route(GET, "/users/{id}/{rest..}")]
    fn below(&self, id: &str, rest: &str) -> String {
        format!("below {id} {rest}")
    }

    #[route(GET, "/users/me/{rest..}")]
    fn below_me(&self, rest: &str) -> String {
        format!("below me {rest}")
    }

    #[route(GET, "/a b/caf\u{e9}")]
    fn spelled(&self) -> &'static str {
        "spelled"
    }

    #[route(GET, "/{one}/x")]
    fn any_x(&self, one: &str) -> String {
        format!("any {one}")
    }

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "fallback")
    }
}

fn told(target: &str) -> String {
    client(|base| Paths { base }).get(target).text().into_owned()
}

#[test]
fn the_closest_pattern_has_the_path() {
    for (target, told_by) in [
        ("/", "root"),
        ("/users", "users"),
        ("/users/", "users/"),
        ("/users//", "fallback"),
        ("/users/7", "user 7"),
        ("/users/me", "me"),
        ("/users/mee", "user mee"),
        ("/users/7/posts/8", "post 7 8"),
        ("/users/7/posts", "below 7 posts"),
        ("/users/7/posts/", "below 7 posts/"),
        ("/users/7/posts/8/9", "below 7 posts/8/9"),
        // A literal takes precedence over a parameter, from the left: what follows does not matter.
        ("/users/me/posts/8", "below me posts/8"),
        ("/users/x", "user x"),
        ("/other/x", "any other"),
        ("//x", "fallback"),
        ("/nothing", "fallback"),
        ("/USERS", "fallback"),
    ] {
        assert_eq!(told(target), told_by, "{target}");
    }
}

#[test]
fn segments_are_split_first_and_decoded_then() {
    for (target, told_by) in [
        ("/users/a%2Fb", "user a/b"),
        ("/users%2F7", "fallback"),
        ("/users/%6de", "me"),
        ("/%75sers/7", "user 7"),
        ("/users/100%25", "user 100%"),
        ("/users/100%", "user 100%"),
        ("/users/a+b", "user a+b"),
        ("/users/caf%C3%A9", "user caf\u{e9}"),
        ("/a%20b/caf%C3%A9", "spelled"),
        ("/users/..", "user .."),
        ("/users/%2e%2e/x", "below .. x"),
        ("/users/7/a%2Fb/c", "below 7 a/b/c"),
        ("/users/7/..%2f..", "below 7 ../.."),
    ] {
        assert_eq!(told(target), told_by, "{target}");
    }
}

#[test]
fn a_query_is_no_part_of_the_path() {
    for target in ["/users/7?", "/users/7?a=/b/c", "/users/7?/x", "/users/7?%2F"] {
        assert_eq!(told(target), "user 7", "{target}");
    }
    assert_eq!(told("/?/users"), "root");
}

#[test]
fn of_an_absolute_target_the_path_counts() {
    for (target, told_by) in [
        ("http://example.org/users/7?x=/y", "user 7"),
        ("HTTP://example.org:80/users", "users"),
        ("http://example.org", "root"),
        ("http://example.org?x", "root"),
        ("http://example.org/", "root"),
    ] {
        assert_eq!(told(target), told_by, "{target}");
    }
}

/// Python reduces several slashes at the beginning to one, and so does `path()`.
#[test]
fn slashes_at_the_beginning_are_one() {
    assert_eq!(told("//users/7"), "user 7");
    assert_eq!(told("///"), "root");
}

#[test]
fn what_has_come_as_raw_text_is_text() {
    let request = b"GET /users/caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\nGET /a%20b/caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = basehttp::testing::respond(|base| Paths { base }, request);
    assert_eq!(
        responses.iter().map(|response| response.text().into_owned()).collect::<Vec<_>>(),
        ["user caf\u{e9}"]
    );
}

/// RFC 9112 section 3.2.4; and a target that does not begin with a slash, which Python serves.
#[test]
fn what_is_no_path_has_no_route() {
    let responses =
        basehttp::testing::respond(|base| Paths { base }, b"GET users HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(responses[0].text(), "fallback");
}

struct Rewriting {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Rewriting {
    fn handle_one_request(&mut self) -> io::Result<()> {
        if let Some(path) = self.path().strip_prefix("/app").map(str::to_owned) {
            self.set_path(path);
        }
        if self.path() == "/text" {
            self.set_path("/caf\u{e9}");
        }
        BaseHTTPRequestHandler::handle_one_request(self)
    }

    #[route(GET, "/{name}")]
    fn page(&self, name: &str) -> String {
        format!("page {name}")
    }

    #[route(GET, "/app/{name}")]
    fn never(&self, name: &str) -> String {
        format!("never {name}")
    }

    #[route(GET, "/a/again")]
    fn again(&mut self) -> String {
        // The response is decided when the function is called.
        self.set_path("/other");
        self.path().to_owned()
    }
}

#[test]
fn a_path_that_was_set_is_looked_for_anew() {
    let client = client(|base| Rewriting { base });
    for (target, told_by) in [
        ("/app/x?y", "page x"),
        ("/x", "page x"),
        ("/app/a/again", "/other"),
        ("/app/caf%C3%A9", "page caf\u{e9}"),
        ("/text", "page caf\u{e9}"),
    ] {
        assert_eq!(client.get(target).text(), told_by, "{target}");
    }
    let raw = b"GET /app/caf\xc3\xa9 HTTP/1.0\r\n\r\n";
    assert_eq!(basehttp::testing::respond(|base| Rewriting { base }, raw)[0].text(), "page caf\u{e9}");
}

/// The patterns of `Paths` and the answers of their functions, in any order.
const PATTERNS: [(&str, &str); 10] = [
    ("/", "root"),
    ("/users", "users"),
    ("/users/", "users/"),
    ("/users/{id}", "user "),
    ("/users/me", "me"),
    ("/users/{id}/posts/{post}", "post "),
    ("/users/{id}/{rest..}", "below "),
    ("/users/me/{rest..}", "below me"),
    ("/a b/caf\u{e9}", "spelled"),
    ("/{one}/x", "any "),
];

/// How close a pattern is to a path: a number for each segment; smaller is closer. `None` if it does not match.
fn closeness(pattern: &str, path: &str) -> Option<Vec<u8>> {
    let mut segments = path[1..].split('/');
    let mut kinds = Vec::new();
    for part in pattern[1..].split('/') {
        let segment = segments.next()?;
        let is_parameter = part.starts_with('{');
        if is_parameter && segment.is_empty() {
            return None;
        }
        if part.ends_with("..}") {
            kinds.push(2);
            return Some(kinds);
        }
        if !is_parameter && part != basehttp::unquote(segment) {
            return None;
        }
        kinds.push(u8::from(is_parameter));
    }
    segments.next().is_none().then_some(kinds)
}

proptest::proptest! {
    /// The definition, applied to all patterns one after the other, and the tree agree.
    #[test]
    fn the_tree_finds_what_the_definition_says(
        segments in proptest::collection::vec(
            proptest::sample::select(vec!["", "users", "me", "m%65", "posts", "x", "7", "a%20b", "caf%C3%A9", "%2F"]),
            1..6,
        ),
    ) {
        let path = format!("/{}", segments.join("/"));
        // Several slashes at the beginning count as one.
        let seen = format!("/{}", path.trim_start_matches('/'));
        let best = PATTERNS.iter().filter_map(|(pattern, told)| Some((closeness(pattern, &seen)?, told))).min();
        let told_by = told(&path);
        if let Some((_, expected)) = best {
            proptest::prop_assert!(told_by.starts_with(expected), "{path}: {told_by}, {expected}");
        } else {
            proptest::prop_assert_eq!(told_by, "fallback");
        }
    }
}
