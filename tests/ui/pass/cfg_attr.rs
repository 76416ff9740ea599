//! Conditions in `cfg_attr` count as they do in `cfg`.

#![allow(unexpected_cfgs)]

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    #[cfg_attr(all(), method("PURGE"), inline)]
    fn purge(&self) -> std::io::Result<()> {
        self.say("purge")
    }

    #[cfg_attr(any(), method("PURGE"))]
    #[cfg_attr(not(any()), method("M-SEARCH"))]
    fn search(&self) -> std::io::Result<()> {
        self.say("search")
    }

    #[cfg_attr(all(), cfg(any()))]
    fn do_GET(&self) -> std::io::Result<()> {
        compile_error!("is not there")
    }

    #[cfg_attr(any(), cfg(any()))]
    #[method("GET")]
    fn get(&self) -> std::io::Result<()> {
        self.say("get")
    }

    #[cfg_attr(all(), cfg_attr(all(), cfg(any())))]
    const server_version: &str = "not there";

    fn say(&self, text: &str) -> std::io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

fn main() {
    for (method, said) in [("PURGE", "purge"), ("M-SEARCH", "search"), ("GET", "get")] {
        let request = format!("{method} / HTTP/1.0\r\n\r\n");
        let response = basehttp::testing::respond(|base| Hello { base }, request.as_bytes()).remove(0);
        assert_eq!(response.text(), said);
    }
}
