use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users/{name}?{page}")]
    fn user(&self, name: &str, page: Option<u32>) -> String {
        format!("{name} {page:?}")
    }
}

fn main() {
    println!("{}", ApiLinks.user("ann", 7));
}
