use basehttp::Message;
use basehttp::prelude::*;

#[derive(Default)]
pub struct Names(Vec<String>);

impl Message for Names {
    fn append(&mut self, name: &str, _value: &[u8]) {
        self.0.push(name.to_owned());
    }
}

struct Off {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Off {
    #[cfg(all())]
    #[cfg(any())]
    type MessageClass = Unknown;

    fn do_GET(&self) {}
}

struct On {
    base: BaseHTTPRequestHandler<Names>,
}

#[http_handler]
impl On {
    #[cfg(any())]
    type MessageClass = Unknown;
    #[cfg(not(any(),))]
    type MessageClass = Names;

    fn do_GET(&self) {}
}

fn is_handler<H: RequestHandler>(_: impl Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H) {}

fn main() {
    is_handler::<Off>(|base: BaseHTTPRequestHandler<Headers>| Off { base });
    is_handler::<On>(|base: BaseHTTPRequestHandler<Names>| On { base });
}
