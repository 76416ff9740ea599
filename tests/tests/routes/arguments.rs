//! Arguments from the path and the query.

use std::borrow::Cow;
use std::net::IpAddr;

use basehttp::prelude::*;
use basehttp::testing::{Response, client};
use basehttp::{ArgumentError, FromPath, FromQuery};

struct Values {
    base: BaseHTTPRequestHandler,
    last: String,
}

/// A type of the user's own, without `FromStr`.
struct Range<'a>(&'a str, &'a str);

impl<'a> FromPath<'a> for Range<'a> {
    fn from_path(text: &'a str) -> Result<Self, ArgumentError> {
        let (from, to) = text.split_once("..").ok_or(ArgumentError::new("it has to be a range"))?;
        Ok(Self(from, to))
    }
}

/// A type that takes all values.
struct Count(usize);

impl<'a> FromQuery<'a> for Count {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        Ok(Self(values.len()))
    }
}

#[http_handler]
impl Values {
    #[route(GET, "/text/{text}")]
    fn text(&self, text: String) -> String {
        text
    }

    #[route(GET, "/address/{address}")]
    fn address(&self, address: IpAddr) -> String {
        address.to_string()
    }

    #[route(GET, "/range/{range}")]
    fn range(&self, range: Range<'_>) -> String {
        format!("{} to {}", range.0, range.1)
    }

    #[route(GET, "/query?{name}&{age}&{tag}&page-size={page_size}")]
    fn query(&self, name: &str, age: Option<u8>, tag: Vec<&str>, page_size: Option<usize>) -> String {
        format!("{name} {age:?} {tag:?} {page_size:?}")
    }

    #[route(GET, "/numbers?{n}")]
    fn numbers(&self, n: Vec<i32>) -> String {
        n.iter().sum::<i32>().to_string()
    }

    #[route(GET, "/owned?{name}&{other}")]
    fn owned(&self, other: Option<String>, name: String) -> String {
        format!("{name} {other:?}")
    }

    #[route(GET, "/count?{x}&{range}")]
    fn count(&self, x: Count, range: Option<Range<'_>>) -> String {
        format!("{} {:?}", x.0, range.map(|range| range.1))
    }

    // Named like functions that the expansion calls, and like keywords.
    #[route(GET, "/path/{type}/{segment}/{rest..}?{values}")]
    fn path(&mut self, r#type: &str, segment: &str, rest: &str, values: Option<&str>) -> String {
        self.last = [r#type, segment, rest, &format!("{values:?}")].join(" ");
        self.last.clone()
    }

    /// The value borrows from the handler, which is changed.
    #[route(GET, "/last/{value}")]
    fn last(&mut self, value: &str) -> &str {
        self.last = value.to_uppercase();
        &self.last
    }

    #[route(GET, "/longer/{one}?{two}")]
    fn longer<'a>(&'a self, one: &'a str, two: &'a str) -> &'a str {
        if one.len() > two.len() { one } else { two }
    }

    #[route(GET, "/unused/{id}")]
    fn unused(&self, _id: u32) -> &'static str {
        "unused"
    }

    #[route(GET, "/one/{id}")]
    #[route(GET, "/two/{id}")]
    #[route(POST, "/three/{id}")]
    fn several(&self, id: u32) -> String {
        id.to_string()
    }
}

fn get(target: &str) -> Response {
    client(|base| Values { base, last: String::new() }).get(target)
}

#[test]
fn of_the_path() {
    for (target, told) in [
        ("/text/a%20b", "a b"),
        ("/address/%3A%3A1", "::1"),
        ("/range/1..2", "1 to 2"),
        ("/path/a/b%2F/c/d?values=e+f&values=g", "a b/ c/d Some(\"e f\")"),
        ("/last/abc", "ABC"),
        ("/longer/abc?two=d", "abc"),
        ("/unused/7", "unused"),
        ("/one/7", "7"),
        ("/two/8", "8"),
    ] {
        let response = get(target);
        assert_eq!((response.status, &*response.text()), (200, told), "{target}");
    }
}

#[test]
fn what_does_not_parse_in_the_path_is_not_there() {
    for target in [
        "/address/x",
        "/range/1",
        "/unused/x",
        "/unused/-1",
        "/unused/4294967296",
        "/unused/7%20",
        "/text/%ff",
        "/path/a/b/%C3",
    ] {
        assert_eq!(get(target).status, 404, "{target}");
    }
}

#[test]
fn of_the_query() {
    for (target, told) in [
        (
            "/query?name=Ann+Lee&age=30&tag=a&tag=b%20c&page-size=5",
            "Ann Lee Some(30) [\"a\", \"b c\"] Some(5)",
        ),
        ("/query?name=", " None [] None"),
        ("/query?name", " None [] None"),
        // A single parameter takes the first value of a repeated key.
        ("/query?name=a&name=b", "a None [] None"),
        ("/query?other=x&name=a&Name=b", "a None [] None"),
        ("/query?name=%C3%A9&n%61me=x", "\u{e9} None [] None"),
        ("/numbers", "0"),
        ("/numbers?n=1&n=2&n=-5", "-2"),
        ("/owned?name=a", "a None"),
        ("/owned?other=%2B&name=a", "a Some(\"+\")"),
        ("/count?x&x=1&x=2&range=a..b", "3 Some(\"b\")"),
        ("/count", "0 None"),
        // As a browser sends inputs of a form that were left empty.
        ("/query?name=a&age=&page-size=", "a None [] None"),
        ("/query?name=a&age&page-size=5", "a None [] Some(5)"),
        ("/owned?name=a&other=", "a Some(\"\")"),
        ("/count?range=", "0 None"),
    ] {
        let response = get(target);
        assert_eq!((response.status, &*response.text()), (200, told), "{target}");
    }
}

#[test]
fn what_does_not_parse_in_the_query_is_400_and_says_which() {
    for (target, reason) in [
        ("/query", "Bad parameter name: it is missing"),
        ("/query?name=a&age=300", "Bad parameter age: number too large to fit in target type"),
        ("/query?name=a&age=+", "Bad parameter age: invalid digit found in string"),
        ("/query?name=a&page-size=x", "Bad parameter page-size: invalid digit found in string"),
        ("/query?name=%ff", "Bad parameter name: it is not UTF-8"),
        ("/numbers?n=", "Bad parameter n: cannot parse integer from empty string"),
        ("/numbers?n=1&n=x", "Bad parameter n: invalid digit found in string"),
        ("/count?range=a", "Bad parameter range: it has to be a range"),
    ] {
        let response = get(target);
        assert_eq!((response.status, &*response.reason), (400, reason), "{target}");
    }
    // A key without a parameter may have any value.
    assert_eq!(get("/query?name=a&x=%ff").status, 200);
}

#[test]
fn a_path_that_does_not_parse_is_told_before_the_query() {
    assert_eq!(get("/path/%ff/b/c?values=%ff").status, 404);
}
