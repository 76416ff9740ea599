//! What a server has done so far, in numbers.

use std::time::Duration;

/// The numbers of a server since it was made: what [`ServerHandle::stats`](crate::ServerHandle::stats) tells, for a page of metrics or a
/// line in the log. They are counted apart from each other, so that a response may be in one and not yet in another.
///
/// The example `metrics` makes Prometheus' text of them.
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::testing::TestServer;
///
/// struct Count { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Count {
///     fn do_GET(&self) -> std::io::Result<()> {
///         let stats = self.server().handle().stats();
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "{} before, {} connections", stats.responses.iter().sum::<u64>(), stats.connections_open)
///     }
/// }
///
/// let server = TestServer::new(|base| Count { base });
/// assert!(server.exchange(b"GET / HTTP/1.0\r\n\r\n")?.ends_with(b"0 before, 1 connections"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Connections that are open.
    pub connections_open: u64,
    /// Connections that were taken.
    pub connections_accepted: u64,
    /// Connections that were turned away: by `max_connections`, with 503 or closed at once, by `verify_request`, and for
    /// want of memory of the system's.
    pub connections_refused: u64,
    /// Responses by the first digit of their status: the first number is for 1xx. The only one of those that counts is 101, since
    /// other interim responses are followed by a response. One that was cut short counts as what its head says.
    pub responses: [u64; 5],
    /// Bytes that came from clients, heads and framing included; what TLS has added too.
    pub bytes_received: u64,
    /// Bytes that went to clients, likewise.
    pub bytes_sent: u64,
    /// Threads for handlers that are there now, those that drive included; two more only watch, and stand in.
    pub threads: u64,
    /// How often a handler that was expected to be quick held up other connections, for one or two milliseconds; then another
    /// thread took them over. Some are normal. Where they are more than about one in a hundred responses, some kind of request
    /// is usually quick and now and then waits or computes for long: give what is slow a path or a method of its own, by
    /// which the server tells requests apart. More threads do not help.
    pub handler_stalls: u64,
    /// How long the `do_*` methods ran, with all that is around them in
    /// [`handle_one_request`](crate::RequestHandler::handle_one_request). What the client takes for the rest of its response
    /// is not in it, nor are the connections of an override of `handle`.
    pub handler_time: Histogram,
    /// The same by routes, one for each method and pattern in the order of the source, those of further blocks behind. A response to HEAD
    /// counts for GET.
    pub routes: Vec<RouteStats>,
}

/// What a route ([`#[route]`](crate::route)) has done so far.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteStats {
    /// The request method.
    pub method: &'static str,
    /// The pattern, without its query.
    pub pattern: &'static str,
    /// Responses by the first digit of their status: see [`Stats::responses`].
    pub responses: [u64; 5],
    /// How long its method ran: see [`Stats::handler_time`].
    pub handler_time: Histogram,
}

/// How often something took how long.
///
/// With the feature `serde` it is an object of `count`, `sum` in seconds, and `buckets` with pairs of a bound in seconds and a count, as
/// the methods have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    pub(crate) counts: [u64; BOUNDS.len() + 1],
    pub(crate) sum: Duration,
}

/// Upper bounds in microseconds.
pub(crate) const BOUNDS: [u64; 14] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

impl Histogram {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// For each bound, from a tenth of a millisecond to ten seconds, how many took up to that long: the buckets of a Prometheus
    /// histogram, without the last one, `+Inf`, which is [`count`](Self::count).
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let mut total = 0;
        BOUNDS.iter().zip(&self.counts).map(move |(bound, count)| {
            total += count;
            (Duration::from_micros(*bound), total)
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let buckets: Vec<_> = self.buckets().map(|(bound, count)| (bound.as_secs_f64(), count)).collect();
        let mut histogram = serializer.serialize_struct("Histogram", 3)?;
        histogram.serialize_field("count", &self.count())?;
        histogram.serialize_field("sum", &self.sum.as_secs_f64())?;
        histogram.serialize_field("buckets", &buckets)?;
        histogram.end()
    }
}
