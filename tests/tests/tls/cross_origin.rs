//! Pages of other origins, where the server knows the scheme of its own.

use basehttp::CrossOriginProtection;
use basehttp::prelude::*;

use super::Stage;

#[test]
fn a_page_that_came_without_tls_is_of_another_origin() {
    let protection = CrossOriginProtection::new().trust_origin("http://trusted.example");
    let stage = Stage::with(HTTPServer::builder().cross_origin_protection(protection));
    for (host, origin, expected) in [
        ("localhost", "https://localhost", 200),
        ("localhost:443", "https://localhost", 200),
        ("localhost", "http://localhost", 403),
        ("localhost:80", "http://localhost", 403),
        ("localhost", "http://trusted.example", 200),
        ("localhost", "https://trusted.example", 403),
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(stage.client().ask(request).status, expected, "{host} {origin}");
    }
}
