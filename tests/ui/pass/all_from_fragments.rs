use std::io;

use basehttp::prelude::*;

macro_rules! handler {
    ($name:ident, $method:ident) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler]
        impl $name {
            fn $method(&self) {}
        }
    };
    ($name:ident, $method:ident, $ty:ty) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler]
        impl $name {
            fn $method(&self) -> $ty {
                Ok(())
            }
        }
    };
    ($name:ident, $method:ident -> $($tokens:tt)*) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler]
        impl $name {
            fn $method(&self) -> $($tokens)* {
                Ok(())
            }
        }
    };
    ($name:ident, $field:ident, $attribute:meta, $method:literal, $function:ident) => {
        struct $name {
            $field: BaseHTTPRequestHandler,
        }

        #[http_handler(base = $field)]
        impl $name {
            #[$attribute]
            #[method($method)]
            fn $function(&mut self) {}
        }
    };
}

handler!(Nothing, do_GET);
handler!(Fragment, do_GET, io::Result<()>);
handler!(Tokens, do_GET -> io::Result<()>);
handler!(Named, conn, cfg(all()), "M-SEARCH", search);

fn is_handler<H: RequestHandler>(_: impl Fn(BaseHTTPRequestHandler) -> H) {}

fn main() {
    is_handler(|base| Nothing { base });
    is_handler(|base| Fragment { base });
    is_handler(|base| Tokens { base });
    is_handler(|conn| Named { conn });
}
