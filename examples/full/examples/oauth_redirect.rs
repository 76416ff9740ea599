//! The login of a program without a server of its own (RFC 8252): the program sends the browser to the login, which
//! redirects it back to this machine, to a server that answers one request and ends.
//!
//! ```text
//! cargo run --release --example oauth_redirect
//! ```
//!
//! A real program also sends a `code_challenge` (RFC 7636), and exchanges the code for a token at the service.

use std::io;
use std::time::Duration;

use basehttp::OneShot;
use form_urlencoded::{Serializer, parse};

fn main() -> io::Result<()> {
    let listener = OneShot::bind()?;
    // A secret, so that no other page can complete the login (RFC 6749 section 10.12).
    let state = state()?;
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", "example")
        .append_pair("redirect_uri", &listener.url("/done"))
        .append_pair("state", &state)
        .finish();
    println!("Open https://login.example/authorize?{query}");

    let is_ours = move |query: Option<&str>| {
        parse(query.unwrap_or_default().as_bytes()).any(|(name, value)| name == "state" && value == state)
    };
    let request = listener.wait_for(
        move |request| request.path() == "/done" && is_ours(request.query()),
        Duration::from_secs(300),
        "<!DOCTYPE html><title>Done</title><p>You are logged in. You may close this page.",
    )?;
    let query = request.query().unwrap_or_default();
    let value =
        |wanted: &str| parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value);
    match (value("code"), value("error")) {
        (Some(code), _) => println!("The code is {code}"),
        (None, error) => println!("The login has failed: {}", error.unwrap_or("no code came".into())),
    }
    Ok(())
}

/// 128 bits that cannot be guessed.
fn state() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
