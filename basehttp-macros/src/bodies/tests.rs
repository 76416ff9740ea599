use quote::quote;

use super::*;
use crate::pipeline;

fn run(args: TokenStream, body: &TokenStream) -> String {
    pipeline::run(args, quote!(impl Hello { fn do_GET(&self) -> io::Result<()> { #body } })).to_string()
}

#[track_caller]
fn mended(body: &TokenStream, right: &TokenStream) {
    let expansion = run(quote!(), body);
    assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
    assert!(expansion.contains(&right.to_string()), "{expansion}");
}

#[test]
fn wrong_calls_are_mended() {
    mended(&quote!(super().end_headers()), &quote!(::basehttp::BaseHTTPRequestHandler::end_headers(self)));
    mended(
        &quote!(super(Hello, self).send_header("A", 1)),
        &quote!(::basehttp::BaseHTTPRequestHandler::send_header(self, "A", 1)),
    );
    mended(
        &quote!(super().__init__(); self.end_headers()),
        &quote!({
            {};
            self.end_headers()
        }),
    );
    mended(&quote!(let path = super().path();), &quote!(let path = self.path();));
    mended(&quote!(self.base.send_response(200);), &quote!(self.send_response(200);));
    mended(
        &quote!(if x {
            return self.send_error(404, "no");
        }),
        &quote!(return self.send_error((404, "no"))),
    );
    mended(&quote!(self.send_error(404, message = "no",)), &quote!(self.send_error((404, "no"))));
    mended(&quote!(f(|| self.send_response(200, "a", f(b)))), &quote!(self.send_response((200, "a", f(b)))));
    mended(
        &quote!(BaseHTTPRequestHandler::send_error(self, 404, "no")),
        &quote!(BaseHTTPRequestHandler::send_error(self, (404, "no"))),
    );
    mended(
        &quote!(self.log_error("it is {}", x)),
        &quote!({
            let _ = (&x,);
            ::core::format_args!("")
        }),
    );
    mended(&quote!(self.log_error("it is {x}")), &quote!(self.log_error(::core::format_args!("it is {x}"))));
    mended(
        &quote!(self.log_error(&format!("{}", x))),
        &quote!(self.log_error(::core::format_args!("{}", x))),
    );
    mended(&quote!(let body = self.rfile.read(10)?;), &quote!(let body = self.read_body(10)?;));
    mended(&quote!(self.base.rfile.read(n as usize)), &quote!(self.read_body(n as usize)));
    mended(&quote!(self.end_headers()?; self.wfile.write(b"x")), &quote!(self.wfile.write_all(b"x")));
    mended(
        &quote!(let agent = self.headers().get("A", "");),
        &quote!(let agent = self.headers().get("A").unwrap_or("");),
    );
    mended(
        &quote!(for line in self.rfile {
            f(line)
        }),
        &quote!(for line in self.rfile.lines() {
            f(line)
        }),
    );
    mended(&quote!(return self.wfile.write(b"x"); f()), &quote!(return self.wfile.write_all(b"x");));
    mended(
        &quote!(println!("{}", self.headers()["A"])),
        &quote!(self.headers().get("A").unwrap_or_default()),
    );
}

#[test]
fn what_may_be_right_is_left() {
    for body in [
        quote!(self.send_error((404, "no"))),
        quote!(self.send_error(f::<A, B>())),
        quote!(self.log_message(format_args!("{}", 5))),
        quote!(self.log_message(message)),
        quote!(self.rfile.read(&mut buf)?),
        quote!(self.rfile.read(buf)?),
        quote!(self.wfile.write(b"x")?; Ok(())),
        quote!(self.wfile.write(b"x").map(drop)),
        quote!(let count = self.wfile.write(b"x");),
        quote!(self.headers["X"]),
        quote!(self.headers().get("X")),
        quote!(for line in self.rfile.lines() {}),
        quote!(other.base.send_response(200)),
        quote!(self.base.path()),
        quote!(super::f(self)),
        quote!(ApiRequestHandler::send_error(self, 404, "no")),
        quote!(impl Other { fn f(&self) { self.send_error(404, "no") } }),
        quote!(
            macro_rules! m {
                () => {
                    self.send_error(404, "no")
                };
            }
        ),
    ] {
        let expansion = run(quote!(), &body);
        assert!(!expansion.contains("compile_error"), "{expansion}");
    }
    let expansion = run(quote!(base = conn), &quote!(self.base.send_response(200)));
    assert!(!expansion.contains("compile_error"), "{expansion}");
}

#[test]
fn two_mistakes_in_one_call_are_two() {
    let expansion = run(quote!(base = 0), &quote!(self.0.send_error(404, self.headers()["A"])));
    assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
    assert!(
        expansion.contains(
            &quote!(self.send_error((404, self.headers().get("A").unwrap_or_default()))).to_string()
        ),
        "{expansion}"
    );
}

#[test]
fn formats_of_python() {
    assert_eq!(rust_format("\"%s: %5.2f%% of %d\""), "\"{}: {}% of {}\"");
    assert_eq!(rust_format("\"{x} 5%\""), "\"{x} 5%\"");
}
