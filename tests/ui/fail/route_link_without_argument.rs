use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users/{id}")]
    fn user(&self, id: u32) -> String {
        id.to_string()
    }
}

fn main() {
    println!("{}", ApiLinks.user());
}
