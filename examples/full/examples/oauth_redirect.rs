//! The login of a program without a server of its own (RFC 8252): the user logs in with the browser, and the login service
//! redirects it to this machine, to a server that waits for this one request and then ends.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example oauth_redirect
//! ```
//!
//! The code in that request is useless without the secret that this program keeps (PKCE, RFC 7636).

use std::io;
use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use basehttp::{OneShot, OneShotRequest, OneShotResponse, html_escape};
use form_urlencoded::{Serializer, parse};
use sha2::{Digest as _, Sha256};

/// The first value of a name in the query. An empty one counts as missing (RFC 6749 section 3.1).
fn value(request: &OneShotRequest, name: &str) -> Option<String> {
    let mut pairs = parse(request.query().unwrap_or_default().as_bytes());
    pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
}

/// The response to a request. With `None`, for requests that do not belong to the login, the client gets 404.
fn answer(request: &OneShotRequest, state: &str) -> Option<OneShotResponse> {
    if request.path() != "/done" {
        return None;
    }
    // Any page can redirect the browser here. That must not end the login, so the server keeps waiting.
    if value(request, "state").as_deref() != Some(state) {
        let text =
            "This address belongs to another login. Please return to the login page that you opened last.";
        return Some(page("Not this login", text).with_status(400).keep_waiting());
    }
    Some(match (value(request, "code"), value(request, "error")) {
        // The program still has to redeem the code, which can fail.
        (Some(_), _) => page("Almost done", "You can close this page and return to the program."),
        (None, Some(error)) if error == "access_denied" => page(
            "You are not logged in",
            "You have denied access. Start the program again if you change your mind.",
        ),
        (None, error) => {
            let text = value(request, "error_description").or(error).unwrap_or("The code is missing.".into());
            page("The login has failed", &text).with_status(400)
        }
    })
}

fn page(title: &str, text: &str) -> OneShotResponse {
    let (title, text) = (html_escape(title), html_escape(text));
    OneShotResponse::page(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif }}
body {{ max-width: 26em; margin: 15vh auto; padding: 0 1em; overflow-wrap: anywhere }}
</style>
<h1>{title}</h1>
<p>{text}
"#
    ))
}

fn main() -> io::Result<()> {
    let listener = OneShot::bind()?;
    let back = listener.url("/done");
    // The state proves that the request belongs to this login (RFC 6749 section 10.12); the verifier proves that the code does.
    let (state, verifier) = (random()?, random()?);
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", "example")
        .append_pair("redirect_uri", &back)
        .append_pair("state", &state)
        .append_pair("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)))
        .append_pair("code_challenge_method", "S256")
        .finish();
    println!("Open https://login.example/authorize?{query}");

    let request = listener.answer(move |request| answer(request, &state), Duration::from_secs(300))?;
    let Some(code) = value(&request, "code") else {
        let error = value(&request, "error").unwrap_or_default();
        return Err(io::Error::other(format!("the login has failed: {error:?}")));
    };
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", "example")
        .append_pair("redirect_uri", &back)
        .append_pair("code", &code)
        .append_pair("code_verifier", &verifier)
        .finish();
    println!("To get a token, send this form to https://login.example/token: {form}");
    Ok(())
}

/// 256 random bits, which cannot be guessed.
fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
