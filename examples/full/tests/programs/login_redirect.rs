//! The example `oauth_redirect`, with a browser that comes back from the login.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest as _, Sha256};

use super::program::*;

/// A login that has begun.
struct Login {
    program: Program,
    /// What the address of the login has in its query.
    asked: HashMap<String, String>,
}

fn pairs(query: &str) -> HashMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Login {
    fn begin() -> Self {
        let mut child = spawn("oauth_redirect", &[]);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut program = Program { child, stdout, port: 0 };
        let line = program.line();
        let asked = pairs(line.strip_prefix("Open https://login.example/authorize?").expect(&line));
        let back = asked["redirect_uri"].strip_prefix("http://127.0.0.1:");
        program.port = back.and_then(|rest| rest.strip_suffix("/done")).unwrap().parse().unwrap();
        Self { program, asked }
    }

    fn browse(&self, target: &str) -> String {
        let port = self.program.port;
        self.program.exchange(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"))
    }

    /// The exit code, and the error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut error = String::new();
        self.program.child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        (self.program.child.wait().unwrap().code(), error)
    }
}

#[test]
fn oauth_redirect_takes_the_one_with_its_state() {
    let mut login = Login::begin();
    let (asked, state) = (&login.asked, &login.asked["state"]);
    assert_eq!((&*asked["response_type"], &*asked["code_challenge_method"]), ("code", "S256"));
    assert_eq!((state.len(), asked["code_challenge"].len()), (43, 43));
    check(&login.browse("/favicon.ico"), "HTTP/1.0 404 Not Found", &[]);
    for other in
        ["/done", "/done?code=stolen", "/done?code=stolen&state=guessed", "/done?error=access_denied&state="]
    {
        let html = "\r\nContent-Type: text/html; charset=utf-8\r\n";
        check(&login.browse(other), "HTTP/1.0 400 Bad Request", &[html, "<h1>Not this login</h1>"]);
    }
    let page = login.browse(&format!("/done?code=a%2Bb%26c&state={state}"));
    let secret = ["\r\nCache-Control: no-store\r\n", "\r\nReferrer-Policy: no-referrer\r\n"];
    check(&page, "HTTP/1.0 200 OK", &[secret[0], secret[1], "return to the program"]);
    assert!(!page.contains("logged in"), "{page}");
    assert!(!page.contains("a+b&amp;c"), "{page}");

    let line = login.program.line();
    let form = pairs(line.split_once(": ").expect(&line).1);
    assert_eq!((&*form["grant_type"], &*form["code"]), ("authorization_code", "a+b&c"));
    assert_eq!(form["redirect_uri"], login.asked["redirect_uri"]);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(challenge, login.asked["code_challenge"]);
    assert_eq!(login.end(), (Some(0), String::new()));
}

#[test]
fn oauth_redirect_tells_what_has_failed() {
    for (query, status, part, error) in [
        ("error=access_denied", "200 OK", "<h1>You are not logged in</h1>", "access_denied"),
        ("error=server_error&error_description=1+%3C+2", "400 Bad Request", "<p>1 &lt; 2", "server_error"),
        ("error=%3Cb%3E", "400 Bad Request", "<p>&lt;b&gt;", "<b>"),
        ("", "400 Bad Request", "<p>The code is missing.", ""),
        ("code=", "400 Bad Request", "<p>The code is missing.", ""),
        ("code=&error=server_error", "400 Bad Request", "<p>server_error", "server_error"),
    ] {
        let login = Login::begin();
        let page = login.browse(&format!("/done?{query}&state={}", login.asked["state"]));
        check(&page, &format!("HTTP/1.0 {status}"), &[part]);
        let (code, told) = login.end();
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("the login has failed") && told.contains(error), "{told}");
    }
}

#[test]
fn oauth_redirect_has_new_secrets_each_time() {
    let (one, other) = (Login::begin(), Login::begin());
    for secret in ["state", "code_challenge"] {
        assert_ne!(one.asked[secret], other.asked[secret]);
    }
}
