//! The example `api`, which always uses port 8000: its handler is tested without a socket.

#![expect(dead_code, reason = "its main function is not called here")]

include!("../../examples/api.rs");

#[test]
fn api_has_users() {
    use basehttp::testing::client;

    const JSON: &str = "application/json";
    let users = Arc::default();
    let client = client(|base| Api { base, users: Arc::clone(&users) });

    let added = client.post("/users", JSON, r#"{"name": "Ann"}"#);
    assert_eq!((added.status, &*added.text()), (201, r#"{"id":1,"name":"Ann"}"#));
    assert_eq!(client.post("/users", JSON, r#"{"name": "Bob"}"#).status, 201);

    let found = client.get("/users/1");
    assert_eq!((found.status, found.header("content-type")), (200, Some(JSON)));
    assert_eq!(found.text(), r#"{"id":1,"name":"Ann"}"#);
    assert_eq!(client.get("/users?q=B").text(), r#"[{"id":2,"name":"Bob"}]"#);
    assert_eq!(client.get("/users?limit=1").text(), r#"[{"id":1,"name":"Ann"}]"#);
    assert_eq!(client.get("/files/a%20b/c").text(), "a b/c\n");
    assert_eq!(ApiLinks.users(Some("B&C"), None), "/users?q=B%26C");

    // Not found: by the function, by its argument, by `do_GET`, and for a method that no route has there.
    for (target, reason) in [("/users/3", "No such user"), ("/users/x", "Not Found"), ("/", "Nothing here")] {
        let refused = client.get(target);
        assert_eq!((refused.status, &*refused.reason), (404, reason), "{target}");
    }
    assert_eq!(client.post("/", JSON, "{}").status, 404);
    assert_eq!(client.delete("/").status, 501);

    let refused = client.delete("/users/1");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let refused = client.post("/users", "text/plain", "Ann");
    assert_eq!((refused.status, refused.header("accept")), (415, Some(JSON)));
    let bad = |body: &str| client.post("/users", JSON, body).reason;
    assert_eq!(bad("{"), "Bad JSON: EOF while parsing an object at line 1 column 1");
    assert_eq!(bad("{}"), "Bad JSON: missing field `name` at line 1 column 2");
    let refused = client.get("/users?limit=many");
    assert_eq!(
        (refused.status, &*refused.reason),
        (400, "Bad parameter limit: invalid digit found in string")
    );
    assert_eq!(client.post("/users", JSON, " ".repeat((2 << 20) + 1)).status, 413);

    let head = client.head("/users/1");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("21"), 0));
    let options = client.request("OPTIONS", "/users").send();
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}
