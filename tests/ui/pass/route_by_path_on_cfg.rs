#![deny(warnings)]

struct Api {
    base: basehttp::BaseHTTPRequestHandler,
}

#[basehttp::http_handler]
impl Api {
    #[cfg_attr(not(target_os = "none"), basehttp::route(GET, "/here"))]
    #[cfg_attr(target_os = "none", basehttp::route(GET, "/there"))]
    fn page(&self) -> &str {
        "page"
    }

    #[cfg_attr(target_os = "none", basehttp::route(GET, "/never"))]
    fn helper(&self) -> &str {
        "helper"
    }

    #[basehttp::route(GET, "/helper")]
    fn helped(&self) -> &str {
        self.helper()
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.get("/here").text(), "page");
    assert_eq!(client.get("/helper").text(), "helper");
    assert_eq!((client.get("/there").status, client.get("/never").status), (404, 404));
}
