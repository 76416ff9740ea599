#![deny(warnings)]

use basehttp::prelude::*;

pub struct Api<T> {
    pub base: BaseHTTPRequestHandler,
    pub value: T,
}

#[http_handler(links = pub NarrowLinks, routes = [ADMIN])]
impl Api<u8> {
    #[route(GET, "/narrow/{value}")]
    fn narrow(&self, value: u8) -> String {
        (value + self.value).to_string()
    }
}

#[http_handler(links = WideLinks)]
impl Api<u16> {
    #[route(GET, "/wide/{value}")]
    fn wide(&self, value: u16) -> String {
        (value + self.value).to_string()
    }
}

#[http_routes(ADMIN, prefix = "/admin", links = AdminOfNarrow)]
impl Api<u8> {
    #[route(GET, "/{id}")]
    fn admin(&self, id: u32) -> String {
        id.to_string()
    }
}

fn main() {
    assert_eq!(NarrowLinks.narrow(1), "/narrow/1");
    assert_eq!(WideLinks.wide(2), "/wide/2");
    assert_eq!(AdminOfNarrow.admin(3), "/admin/3");
    let narrow = basehttp::testing::client(|base| Api { base, value: 1_u8 });
    assert_eq!((&*narrow.get("/narrow/1").text(), &*narrow.get("/admin/3").text()), ("2", "3"));
    assert_eq!(basehttp::testing::client(|base| Api { base, value: 1_u16 }).get("/wide/2").text(), "3");
}
