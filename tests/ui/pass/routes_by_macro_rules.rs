#![deny(warnings)]

use basehttp::prelude::*;

macro_rules! handler {
    ($name:ident, $ty:ty, $returned:ty, $pattern:literal, $method:ident, $function:ident, $argument:ident, $of:ty, $query:ty) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler(routes = [MORE])]
        impl $ty {
            #[route($method, $pattern)]
            fn $function(&self, $argument: $of) -> $returned {
                $argument.to_string()
            }

            #[route(GET, "/mutable/{id}?{q}")]
            fn mutable(&mut self, id: $of, q: $query) -> Result<$returned, std::io::Error> {
                Ok(format!("{id} {q:?}"))
            }

            #[route(POST, "/body")]
            fn body(&self, body: $returned) -> (u16, $returned) {
                (400, body)
            }
        }

        #[http_routes(MORE, prefix = "/more", guard = check)]
        impl $ty {
            #[route($method, $pattern)]
            fn more(&self, $argument: &str) -> $returned {
                $argument.to_string()
            }

            fn check(&self) -> Result<bool, &str> {
                Ok(true)
            }
        }
    };
}

handler!(Api, Api, String, "/users/{id}", GET, user, id, u32, Option<u8>);

macro_rules! route {
    ($(#[$attribute:meta])* $name:ident { $($tokens:tt)* }) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler]
        impl $name {
            $(#[$attribute])*
            $($tokens)*
        }
    };
}

route! {
    #[route(GET, "/{id}")]
    Other {
        fn get(&self, id: u8) -> String {
            id.to_string()
        }
    }
}

fn main() {
    let client = basehttp::testing::client(|base| Api { base });
    assert_eq!(client.get("/users/7").text(), "7");
    assert_eq!(client.get("/mutable/7?q=1").text(), "7 Some(1)");
    assert_eq!(client.post("/body", "text/plain", "no").status, 400);
    assert_eq!(client.get("/more/users/a").text(), "a");
    assert_eq!(basehttp::testing::client(|base| Other { base }).get("/7").text(), "7");
}
