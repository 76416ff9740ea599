//! How long it takes to find the route of a path among 500, beside the search for a `do_*` method by its name.
//!
//! `cargo bench -p basehttp --bench routes`.

use std::hint::black_box;

use basehttp::prelude::*;
use criterion::Criterion;

struct FiveHundred {
    base: BaseHTTPRequestHandler,
}

include!("routes/five_hundred.rs");

struct Eight {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
#[rustfmt::skip]
impl Eight {
    fn do_GET(&self) {}
    fn do_POST(&self) {}
    fn do_PUT(&self) {}
    fn do_DELETE(&self) {}
    fn do_PATCH(&self) {}
    fn do_OPTIONS(&self) {}
    fn do_SPAM(&self) {}
}

/// The number of the row for a request, as a server looks for it.
fn row(method: &str, path: &str) -> Option<u16> {
    let [routes] = FiveHundred::__ROUTES else { panic!("there is one block") };
    let rows = routes.table.rows_for(path.as_bytes())?;
    rows.iter().copied().find(|row| routes.table.rows[usize::from(*row)].method == method)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("500 routes");
    for (name, method, path) in [
        ("literal", "POST", "/accounts"),
        ("parameter", "GET", "/invoices/12345"),
        ("two parameters", "PUT", "/licenses/12345/notes/678"),
        ("encoded", "GET", "/inv%6fices/12345"),
        ("rest", "GET", "/maps/search/a/b/c"),
    ] {
        assert!(row(method, path).is_some(), "{path}");
        group.bench_function(name, |bencher| bencher.iter(|| row(black_box(method), black_box(path))));
    }
    assert_eq!(row("GET", "/nothing/12345"), None);
    group.bench_function("nothing", |bencher| bencher.iter(|| row("GET", black_box("/nothing/12345"))));
    group.finish();
    criterion.bench_function("do_* method", |bencher| {
        bencher.iter(|| Eight::__METHODS.iter().position(|method| method.is_for(black_box("OPTIONS"))));
    });
    criterion.final_summary();
}
