//! Settings that cannot work are named when the server is bound.

use std::io::ErrorKind;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{CrossOriginProtection, Limits, ServerBuilder};

use crate::gated;

fn error(builder: ServerBuilder) -> String {
    let error = builder.bind("127.0.0.1:0", gated().0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    error.to_string()
}

fn limits(set: impl Fn(&mut Limits)) -> ServerBuilder {
    let mut limits = Limits::default();
    set(&mut limits);
    HTTPServer::builder().limits(limits)
}

#[test]
fn what_would_serve_nobody_is_named_with_what_to_do() {
    let (zero, new) = (Duration::ZERO, HTTPServer::builder);
    let builders = [
        ("timeout", new().timeout(zero)),
        ("idle_timeout", new().idle_timeout(zero)),
        ("head_timeout", new().head_timeout(zero)),
        ("read_timeout", new().read_timeout(zero)),
        ("write_timeout", new().write_timeout(zero)),
        ("body_timeout", new().body_timeout(zero)),
        ("response_timeout", new().response_timeout(zero)),
        ("queue_timeout", new().queue_timeout(zero)),
        ("max_connections", new().max_connections(0)),
        ("max_threads", new().max_threads(0)),
        ("compute_threads", new().compute_threads(0)),
        ("max_requests_per_connection", new().max_requests_per_connection(0)),
        ("request_queue_size", new().request_queue_size(0)),
        ("limits.request_line", limits(|limits| limits.request_line = 0)),
        ("limits.head", limits(|limits| limits.head = 0)),
        ("limits.fields", limits(|limits| limits.fields = 0)),
        ("limits.chunk_line", limits(|limits| limits.chunk_line = 0)),
    ];
    for (name, builder) in builders {
        let error = error(builder);
        assert!(error.starts_with(&format!("the setting {name} is zero, so ")), "{error}");
        assert!(error.contains("leave it out"), "{error}");
    }
}

#[test]
fn a_buffer_without_a_bound_is_named() {
    let new = HTTPServer::builder;
    let builders = [
        ("gather_limit", new().gather_limit(usize::MAX)),
        ("response_buffer", new().response_buffer(usize::MAX)),
        ("write_high_water", new().write_high_water(usize::MAX)),
    ];
    for (name, builder) in builders {
        let error = error(builder);
        assert!(error.starts_with(&format!("the setting {name} is more than 1 GiB")), "{error}");
    }
}

#[test]
fn a_stack_that_is_too_small_or_without_a_bound_is_named() {
    for (bytes, what) in
        [(0, "less than 128 KiB"), ((128 << 10) - 1, "less"), (usize::MAX, "more than 1 GiB")]
    {
        let error = error(HTTPServer::builder().stack_size(bytes));
        assert!(error.starts_with(&format!("the setting stack_size is {what}")), "{error}");
    }
}

#[test]
fn a_host_for_which_nobody_can_ask_is_named() {
    for host in ["", "*", "*.example.org", "http://example.org/"] {
        let error = error(HTTPServer::builder().allowed_hosts(["example.org", host]));
        assert!(
            error.starts_with(&format!("the setting allowed_hosts has {host:?}, which is not a host")),
            "{error}"
        );
    }
}

/// All but the first five are errors of Go's `AddTrustedOrigin` too.
#[test]
fn what_is_no_origin_of_a_page_is_named() {
    for (origin, what) in [
        ("https://*.example.com", "there are no patterns: name each origin"),
        ("*", "there are no patterns: name each origin"),
        ("wss://example.com", "write http or https: a page has that scheme even when it opens a WebSocket"),
        ("https://b\u{fc}cher.example", "write the host as browsers send it, in Punycode (xn--...)"),
        ("https://u@example.com", "write scheme, host and port only, as in https://example.com:8443"),
        ("example.com", "write its scheme too, as in https://example.com"),
        ("example.com:8080", "write its scheme too, as in https://example.com:8080"),
        ("", "write its scheme too, as in https://example.com"),
        ("null", "all pages without an origin of their own have this one"),
        ("https://", "write scheme, host and port only, as in https://example.com:8443"),
        ("https://example.com/", "write scheme, host and port only, as in https://example.com:8443"),
        ("https://example.com/path", "write scheme, host and port only, as in https://example.com:8443"),
        (
            "https://example.com?query=value",
            "write scheme, host and port only, as in https://example.com:8443",
        ),
        ("https://example.com#fragment", "write scheme, host and port only, as in https://example.com:8443"),
        ("https://ex ample.com", "write scheme, host and port only, as in https://example.com:8443"),
        ("https://ex%61mple.com", "write scheme, host and port only, as in https://example.com:8443"),
        ("https://example.com:99999", "write scheme, host and port only, as in https://example.com:8443"),
        ("file:///", "write scheme, host and port only, as in https://example.com:8443"),
    ] {
        let protection = CrossOriginProtection::new().trust_origin("https://a").trust_origin(origin);
        let error = error(HTTPServer::builder().cross_origin_protection(protection));
        let expected = format!("the setting cross_origin_protection trusts the origin {origin:?}: {what}");
        assert_eq!(error, expected);
    }
    let good = [
        "https://example.com",
        "https://example.com:8080",
        "http://example.com",
        "http://[::1]:1",
        "tauri://localhost",
    ];
    let protection = good.into_iter().fold(CrossOriginProtection::new(), CrossOriginProtection::trust_origin);
    let builder = HTTPServer::builder().cross_origin_protection(protection);
    assert!(builder.bind("127.0.0.1:0", gated().0).is_ok());
}

#[test]
fn a_bypass_that_no_path_matches_is_named() {
    for (pattern, what) in [
        ("", "a path begins with a slash"),
        ("api/", "a path begins with a slash"),
        ("POST /api/", "a path begins with a slash"),
        ("//api/", "begin the path with one slash"),
        ("/api?x", "leave out what follows the path"),
        ("/api/*", "write {name} for a segment, {rest..} for all that follow"),
        ("/caf\u{e9}", "write it as clients send it, percent-encoded"),
        ("/a b", "write it as clients send it, percent-encoded"),
        ("/api/x{id}", "a parameter is a whole segment, as in /{id}"),
        ("/api/{}", "a parameter is a whole segment, as in /{id}"),
        ("/api/{rest..}/x", "nothing follows {rest..}"),
        ("/api/../x", "write it without dot segments"),
    ] {
        let protection =
            CrossOriginProtection::new().insecure_bypass("/a/{b}/{c..}").insecure_bypass(pattern);
        let error = error(HTTPServer::builder().cross_origin_protection(protection));
        let expected =
            format!("the setting cross_origin_protection has the insecure bypass {pattern:?}: {what}");
        assert_eq!(error, expected);
    }
}

#[test]
fn proxies_of_which_nothing_counts_are_a_mistake() {
    let proxies = basehttp::TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let error = error(HTTPServer::builder().trusted_proxies(proxies));
    assert!(error.ends_with("call fields(..) or proxy_protocol(true)"), "{error}");
}

#[test]
fn a_certificate_that_cannot_be_watched_is_a_mistake() {
    let every = Duration::from_secs(1);
    let error = error(HTTPServer::builder().watch_tls(every));
    assert!(error.starts_with("the setting watch_tls has no files to watch"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let both = made.cert.pem() + &made.signing_key.serialize_pem();
    let told = |builder: ServerBuilder| builder.bind("127.0.0.1:0", gated().0).unwrap_err().to_string();
    let given = basehttp::TlsConfig::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
    let error = told(HTTPServer::builder().tls(given).watch_tls(every));
    assert!(error.ends_with("call tls(..) with a TlsConfig::from_files(..)"), "{error}");
    let file = folder.path().join("both.pem");
    std::fs::write(&file, both).unwrap();
    let tls = basehttp::TlsConfig::from_files(&file, &file).unwrap();
    let error = told(HTTPServer::builder().tls(tls).watch_tls(Duration::ZERO));
    assert!(error.starts_with("the setting watch_tls is zero"), "{error}");
}

#[test]
fn what_is_no_address_is_told_with_what_is() {
    let told = |address: &str| HTTPServer::bind(address, gated().0).unwrap_err().to_string();
    for address in ["http://127.0.0.1:80", "/tmp/x.sock", "127.0.0.1"] {
        assert!(
            told(address).contains("is not an address to listen at: write host:port"),
            "{}",
            told(address)
        );
    }
    assert!(told("/tmp/x.sock").ends_with("the path of a unix socket goes to bind_unix"));
}

#[test]
fn more_compute_threads_than_threads_contradict_each_other() {
    let error = error(HTTPServer::builder().compute_threads(3).max_threads(2));
    assert!(error.contains("compute_threads") && error.contains("max_threads"), "{error}");
    // Without a setting for them there is nothing to contradict.
    HTTPServer::builder().max_threads(1).bind("127.0.0.1:0", gated().0).unwrap();
}

#[test]
fn every_way_to_make_a_server_looks_at_the_settings() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = HTTPServer::builder().compute_threads(0).from_listener(listener, gated().0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    #[cfg(unix)]
    {
        let path = std::env::temp_dir().join(format!("basehttp-{}-wrong.sock", std::process::id()));
        let error = HTTPServer::builder().compute_threads(0).bind_unix(&path, gated().0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!path.exists(), "nothing was made");
    }
}

#[test]
fn what_is_zero_on_purpose_or_without_end_is_no_mistake() {
    HTTPServer::builder()
        .gather_limit(0)
        .response_buffer(0)
        .write_high_water(0)
        .drain_limit(0)
        .shutdown_grace(Duration::ZERO)
        .idle_timeout(Duration::MAX)
        .read_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .body_timeout(Duration::MAX)
        .response_timeout(Duration::MAX)
        .head_timeout(Duration::MAX)
        .queue_timeout(Duration::MAX)
        .timeout(Duration::MAX)
        .max_connections(usize::MAX)
        .max_requests_per_connection(u64::MAX)
        .bind("127.0.0.1:0", gated().0)
        .unwrap();
}
