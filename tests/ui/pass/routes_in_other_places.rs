#![deny(warnings)]

use std::io;

use basehttp::HttpError;
use basehttp::prelude::*;

pub mod api {
    use basehttp::prelude::*;

    pub struct Api {
        pub(super) base: BaseHTTPRequestHandler,
        pub(super) open: bool,
    }

    #[http_handler(routes = [USERS, SECRETS, TEXTS, NOTHING])]
    impl Api {
        #[route(GET, "/")]
        pub fn index(&self) -> &'static str {
            "index"
        }
    }
}

mod users {
    use super::*;

    #[http_routes(USERS, prefix = "/{tenant}/users", guard = is_open)]
    impl api::Api {
        #[route(GET, "/{id}")]
        fn user(&self, tenant: &str, id: u32) -> String {
            format!("{tenant} {id}")
        }

        fn is_open(&self) -> bool {
            self.open || self.send_error(403).is_err()
        }
    }
}

#[http_routes(SECRETS, prefix = "/secrets", guard = refuse)]
impl api::Api {
    #[route(GET, "")]
    fn secrets(&self) -> &'static str {
        "secrets"
    }

    fn refuse(&mut self) -> Result<(), HttpError> {
        if self.open { Ok(()) } else { Err(HttpError::new(401, "Log in")) }
    }
}

#[http_routes(TEXTS, prefix = "/texts", guard = ask)]
impl api::Api {
    #[route(GET, "/")]
    fn texts(&self) -> &'static str {
        "texts"
    }

    fn ask(&self) -> io::Result<bool> {
        Ok(self.open)
    }
}

#[http_routes(NOTHING, guard = say_nothing, crate = ::basehttp)]
impl api::Api {
    #[route(GET, "/nothing")]
    fn nothing(&self) {}

    fn say_nothing(&self) {}
}

fn in_a_function() -> u16 {
    struct Inner {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler(routes = [MORE])]
    impl Inner {
        #[route(GET, "/")]
        fn index(&self) -> &str {
            "index"
        }
    }

    #[http_routes(MORE)]
    impl Inner {
        #[route(GET, "/more")]
        fn more(&self) -> &str {
            "more"
        }
    }

    basehttp::testing::client(|base| Inner { base }).get("/more").status
}

fn main() {
    let client = basehttp::testing::client(|base| api::Api { base, open: true });
    assert_eq!(client.get("/").text(), "index");
    assert_eq!(client.get("/a/users/7").text(), "a 7");
    assert_eq!(client.get("/secrets").text(), "secrets");
    assert_eq!(client.get("/texts/").text(), "texts");
    let client = basehttp::testing::client(|base| api::Api { base, open: false });
    assert_eq!(client.get("/a/users/7").status, 403);
    assert_eq!(client.get("/secrets").status, 401);
    assert_eq!(in_a_function(), 200);
}
