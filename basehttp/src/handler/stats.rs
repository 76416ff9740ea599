//! A server's counters.

use std::time::Duration;

/// A server's counters since it was made, for a metrics page or a log line.
/// [`ServerHandle::stats`](crate::ServerHandle::stats) returns them. They are counted independently, so a response may be in
/// one and not yet in another.
///
/// The example `metrics` exports them in Prometheus' text format.
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
    /// Connections that were accepted.
    pub connections_accepted: u64,
    /// Connections that were refused: by `max_connections`, with 503 or closed at once, by `verify_request`, or because the
    /// system was out of memory.
    pub connections_refused: u64,
    /// Responses by the first digit of their status: the first number is for 1xx. Of those only 101 counts, since other
    /// interim responses are followed by a final one. A response that was cut short counts by the status in its head.
    pub responses: [u64; 5],
    /// Bytes received from clients, including heads, framing and TLS overhead.
    pub bytes_received: u64,
    /// Bytes sent to clients, counted the same way.
    pub bytes_sent: u64,
    /// Current handler threads, including those that drive; two more threads only watch and stand in.
    pub threads: u64,
    /// How often a handler that was expected to be quick held up other connections for one or two milliseconds, until another
    /// thread took them over. Some stalls are normal. More than about one in a hundred responses usually means that some kind
    /// of request is mostly quick but sometimes waits or computes for long. Give the slow work a path or a method of its own,
    /// because the server tells requests apart by these. More threads do not help.
    pub handler_stalls: u64,
    /// How long the `do_*` methods ran, including everything else in
    /// [`handle_one_request`](crate::RequestHandler::handle_one_request). It excludes the time in which the client takes the
    /// rest of its response, and the connections of an override of `handle`.
    pub handler_time: Histogram,
    /// The same per route: one entry for each method and pattern, in source order, followed by those of further blocks. A
    /// response to HEAD counts for GET.
    pub routes: Vec<RouteStats>,
}

/// A route's ([`#[route]`](crate::route)) counters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteStats {
    /// The request method.
    pub method: &'static str,
    /// The pattern, without its query.
    pub pattern: &'static str,
    /// Responses by the first digit of their status; see [`Stats::responses`].
    pub responses: [u64; 5],
    /// How long its method ran; see [`Stats::handler_time`].
    pub handler_time: Histogram,
}

/// A distribution of durations.
///
/// With the feature `serde` it serializes as an object with `count`, `sum` in seconds, and `buckets`, pairs of a bound in
/// seconds and a count. They correspond to the methods.
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
    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// For each bound, from a tenth of a millisecond to ten seconds, how many durations were at most that long: the buckets
    /// of a Prometheus histogram, without the last one, `+Inf`, which is [`count`](Self::count).
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
