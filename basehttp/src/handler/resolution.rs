//! The search for the function that answers a request: the route for its path, or else the `do_*` method for its request method.

use super::any_handler::AnyHandler;
use super::route::{Match, Rank, Resolution, RouteRow, RouteTable, RouteTarget};

/// What answers the current request. The search runs once for each request.
#[inline]
pub(crate) fn resolution(handler: &dyn AnyHandler) -> Resolution {
    handler.vars().resolution().unwrap_or_else(|| resolve(handler))
}

fn resolve(handler: &dyn AnyHandler) -> Resolution {
    let resolution = look(handler);
    handler.vars().set_resolution(resolution);
    resolution
}

fn look(handler: &dyn AnyHandler) -> Resolution {
    let request = handler.vars().request();
    let command = request.command();
    let method = handler.method_row(command);
    if handler.routes(0).is_none() {
        return method.map_or(Resolution::NotImplemented, Resolution::Method);
    }
    let found = matches(handler, &RouteTarget::new(request.route_target()));
    if let Some(route) = found.route(command) {
        return route;
    }
    match method {
        Some(row) => Resolution::Method(row),
        None if command == "OPTIONS" && (found.is_there() || request.target() == b"*") => Resolution::Options,
        None if found.is_there() => Resolution::NotAllowed,
        None if is_known(handler, command) => Resolution::NotFound,
        None => Resolution::NotImplemented,
    }
}

/// The rows of all blocks with the pattern that matches most closely.
struct Matches {
    rank: Rank,
    found: Vec<(u16, &'static RouteTable, Match)>,
}

fn matches(handler: &dyn AnyHandler, target: &RouteTarget<'_>) -> Matches {
    let mut matches = Matches { rank: Rank::default(), found: Vec::new() };
    for (number, table) in blocks(handler) {
        let Some(found) = table.find(target.path()) else { continue };
        if found.rank > matches.rank {
            matches.found.clear();
            matches.rank = found.rank;
        }
        if found.rank == matches.rank {
            matches.found.push((number, table, found));
        }
    }
    matches
}

fn blocks(handler: &dyn AnyHandler) -> impl Iterator<Item = (u16, &'static RouteTable)> {
    (0..u16::MAX).map_while(|number| handler.routes(number).map(|table| (number, table)))
}

impl Matches {
    fn is_there(&self) -> bool {
        !self.found.is_empty()
    }

    fn rows(&self) -> impl Iterator<Item = (u16, u16, &'static RouteRow)> {
        self.found.iter().flat_map(|(block, table, found)| {
            found.rows.iter().filter_map(|number| Some((*block, *number, table.row(*number)?)))
        })
    }

    /// The route for a method. A HEAD request without a route of its own goes to the route for GET.
    fn route(&self, command: &str) -> Option<Resolution> {
        let of = |method: &str| self.rows().find(|(.., row)| row.method == method);
        let route = of(command).or_else(|| if command == "HEAD" { of("GET") } else { None });
        route.map(|(block, row, _)| Resolution::Route(block, row))
    }
}

/// Whether any route has this method.
fn is_known(handler: &dyn AnyHandler, command: &str) -> bool {
    let is_it = |row: &RouteRow| row.method == command || row.method == "GET" && command == "HEAD";
    command == "OPTIONS" || blocks(handler).any(|(_, table)| table.rows.iter().any(is_it))
}

/// The row of the route that answers the current request.
pub(crate) fn route(handler: &dyn AnyHandler) -> Option<&'static RouteRow> {
    match resolution(handler) {
        Resolution::Route(block, row) => handler.routes(block)?.row(row),
        _ => None,
    }
}

/// The number of a route among all routes of the handler.
pub(crate) fn number(handler: &dyn AnyHandler, block: u16, row: u16) -> Option<u16> {
    let before =
        (0..block).filter_map(|block| handler.routes(block)).map(|table| table.rows.len()).sum::<usize>();
    u16::try_from(before).ok()?.checked_add(row)
}

/// The name of the function that answers the current request.
pub(crate) fn function(handler: &dyn AnyHandler) -> Option<&'static str> {
    match resolution(handler) {
        Resolution::Method(row) => handler.method(row).map(|(_, function)| function),
        Resolution::Route(..) => route(handler).map(|row| row.function),
        _ => None,
    }
}

/// The key by which the engine distinguishes and counts requests.
#[derive(Clone, Copy)]
pub(crate) struct RequestKind<'a> {
    pub(crate) command: &'a str,
    /// The pattern of the route, or else the path.
    pub(crate) path: &'a str,
    /// The number of the route.
    pub(crate) route: Option<u16>,
}

/// The kind of the current request.
pub(crate) fn kind(handler: &dyn AnyHandler) -> RequestKind<'_> {
    let request = handler.vars().request();
    let command = request.command();
    match resolution(handler) {
        Resolution::Route(block, row) => {
            let found = handler.routes(block).and_then(|table| table.row(row));
            let path = found.map_or("", |row| row.pattern);
            RequestKind { command, path, route: number(handler, block, row) }
        }
        _ => RequestKind { command, path: request.path(), route: None },
    }
}

/// The request methods as the `Allow` field lists them (RFC 9110 section 10.2.1): those that the path of the request has, by routes
/// and by `do_*` methods. If a function answered the request, the request's method is left out, since that function has refused it.
/// GET and HEAD count as one method.
pub(crate) fn allowed(handler: &dyn AnyHandler) -> String {
    let (resolution, refuses) = (resolution(handler), function(handler));
    let command = handler.vars().request().command();
    let is_refused = |method: &str, function: &str| {
        let is_read = |method: &str| matches!(method, "GET" | "HEAD");
        refuses == Some(function) && (method == command || is_read(method) && is_read(command))
    };
    let mut methods: Vec<&str> = Vec::new();
    let mut add = |method: &'static str, function: &'static str| {
        if !is_refused(method, function) && !methods.contains(&method) {
            methods.push(method);
        }
    };
    let has_routes = handler.routes(0).is_some();
    if has_routes {
        let of_all =
            matches!(resolution, Resolution::NotImplemented) || handler.vars().request().target() == b"*";
        let target = RouteTarget::new(handler.vars().request().route_target());
        let of_path = matches(handler, &target);
        let of_path = of_path.rows().map(|(.., row)| row);
        let rows: Vec<&'static RouteRow> = if of_all {
            blocks(handler).flat_map(|(_, table)| table.rows).filter(|row| !row.method.is_empty()).collect()
        } else {
            of_path.collect()
        };
        for row in rows {
            add(row.method, row.function);
            if row.method == "GET" {
                add("HEAD", row.function);
            }
        }
    }
    for (method, function) in (0..).map_while(|row| handler.method(row)) {
        add(method, function);
    }
    if has_routes && !methods.contains(&"OPTIONS") {
        methods.push("OPTIONS");
    }
    methods.join(", ")
}
