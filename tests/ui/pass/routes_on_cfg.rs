#![deny(warnings)]

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    #[cfg(not(any()))]
    #[route(GET, "/users/{id}")]
    fn user(&self, id: u32) -> String {
        id.to_string()
    }

    #[cfg(any())]
    #[route(GET, "/users/{name}")]
    fn user(&self, name: Unknown) -> Unknown {
        name
    }

    #[cfg(any())]
    #[route(POST, "/users/{name}")]
    fn add_user(&self, name: Unknown) -> Unknown {
        name
    }
}

#[http_routes(ADMIN, prefix = "/admin")]
impl Api {
    #[cfg(any())]
    #[route(GET, "/")]
    fn admin(&self) -> Unknown {}

    #[cfg(all())]
    #[cfg(not(any()))]
    #[route(GET, "/")]
    #[route(GET, "")]
    fn admin(&self) -> &'static str {
        "admin"
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.get("/users/7").text(), "7");
    assert_eq!(client.post("/users/7", "text/plain", "").status, 405);
    assert_eq!(client.get("/admin/").text(), "admin");
    assert_eq!(client.get("/admin").text(), "admin");
    assert_eq!(ApiLinks.user(7), "/users/7");
}
