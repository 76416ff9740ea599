//! The settings, and the checks for those that cannot work.

use std::io;
use std::thread;
use std::time::Duration;

use super::token::MAX_CONNECTIONS;
use crate::handler::connection_io::{Bounds, LONGEST};
use crate::handler::host_policy::is_host;
use crate::handler::{CrossOriginProtection, NameOf};

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) request_queue_size: u16,
    pub(super) allow_reuse_address: bool,
    pub(super) allow_reuse_port: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) queue_timeout: Duration,
    pub(super) shutdown_grace: Duration,
    pub(super) max_connections: usize,
    pub(super) max_threads: usize,
    pub(super) compute_threads: Option<usize>,
    /// The standard library's default, if `None`.
    pub(super) stack_size: Option<usize>,
    /// How clients' names are looked up, if they are.
    pub(super) name_of: Option<NameOf>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) loopback_guard: bool,
    pub(super) cross_origin_protection: Option<CrossOriginProtection>,
    #[cfg(feature = "proxy")]
    pub(super) proxies: Option<crate::handler::TrustedProxies>,
    pub(super) bounds: Bounds,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::TlsConfig>,
    #[cfg(feature = "tls")]
    pub(super) watch_tls: Option<Duration>,
    /// Never set without the feature.
    #[cfg(not(feature = "tls"))]
    pub(super) tls: Option<std::convert::Infallible>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_queue_size: 1024,
            allow_reuse_address: true,
            allow_reuse_port: false,
            timeout: None,
            queue_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(10),
            max_connections: 10_000,
            max_threads: 512,
            compute_threads: None,
            stack_size: None,
            name_of: None,
            allowed_hosts: Vec::new(),
            loopback_guard: false,
            cross_origin_protection: None,
            #[cfg(feature = "proxy")]
            proxies: None,
            bounds: Bounds::default(),
            tls: None,
            #[cfg(feature = "tls")]
            watch_tls: None,
        }
    }
}

/// A larger buffer for each connection is a mistake, or an attempt to have no limit.
const MOST_BUFFERED: usize = 1 << 30;

/// A stack overflow ends the process. Without optimization the server's own calls take up to 48 KiB, and with TLS up to 64.
const LEAST_STACK: usize = 128 * 1024;
/// A larger stack is a mistake, and the standard library panics at sizes that overflow.
const MOST_STACK: usize = 1 << 30;

/// Up to this many shards have one driver each. More drivers in a shard contend for its queue; with fewer shards, their
/// drivers look elsewhere for work less often.
const SINGLES: usize = 4;
/// How many drivers a shard may have: `bench/README.md` has the measurements and simulations.
const MAX_DRIVERS: usize = 8;
/// A shard costs a poller and a waker, which are three descriptors, whether it has a driver or not.
const MAX_SHARDS: usize = 64;

impl Settings {
    /// How many threads may compute at a time.
    pub(super) fn compute_threads(&self) -> usize {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        self.compute_threads.unwrap_or(processors).min(self.max_threads)
    }

    /// How many shards these threads are spread over.
    pub(super) fn shards(&self) -> usize {
        // On other systems one thread could not attend several shards.
        if !cfg!(unix) {
            return 1;
        }
        let threads = self.compute_threads();
        threads.min(SINGLES).max(threads.div_ceil(MAX_DRIVERS)).min(MAX_SHARDS)
    }

    /// Whether all connections speak TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Rejects what the system would reject later, and what could never serve a request.
    pub(super) fn check(&mut self) -> io::Result<()> {
        self.shorten();
        self.max_connections = self.max_connections.min(MAX_CONNECTIONS);
        self.check_zeros()?;
        let bounds = &self.bounds;
        self.check_stack()?;
        let buffers = [
            ("gather_limit", bounds.gather),
            ("response_buffer", bounds.hold),
            ("write_high_water", bounds.high_water),
        ];
        if let Some((name, _)) = buffers.iter().find(|(_, bytes)| *bytes > MOST_BUFFERED) {
            return Err(wrong(name, "is more than 1 GiB, which every connection could take: set it lower"));
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            let text = format!(
                "has {host:?}, which is not a host: write names and addresses, without patterns; leave it out to allow any host"
            );
            return Err(wrong("allowed_hosts", &text));
        }
        if let Some(mistake) = self.cross_origin_protection.as_ref().and_then(CrossOriginProtection::mistake)
        {
            return Err(wrong("cross_origin_protection", &mistake));
        }
        #[cfg(feature = "proxy")]
        if self.proxies.as_ref().is_some_and(crate::handler::TrustedProxies::says_nothing) {
            return Err(wrong(
                "trusted_proxies",
                "has proxies, but nothing to accept from them: call fields(..) or proxy_protocol(true)",
            ));
        }
        #[cfg(feature = "tls")]
        self.check_watch()?;
        match self.compute_threads {
            Some(count) if count > self.max_threads => {
                let threads = self.max_threads;
                Err(wrong(
                    "compute_threads",
                    &format!(
                        "is {count}, more than max_threads ({threads}), which includes them: set it lower"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_stack(&self) -> io::Result<()> {
        match self.stack_size {
            Some(bytes) if bytes < LEAST_STACK => Err(wrong(
                "stack_size",
                "is less than 128 KiB, which the server itself may need: set it higher, or leave it out",
            )),
            Some(bytes) if bytes > MOST_STACK => Err(wrong(
                "stack_size",
                "is more than 1 GiB, which every thread would have: set it lower, or leave it out",
            )),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "tls")]
    fn check_watch(&self) -> io::Result<()> {
        match (self.watch_tls, &self.tls) {
            (None, _) => Ok(()),
            (Some(every), _) if every.is_zero() => Err(wrong(
                "watch_tls",
                "is zero, so a thread would check without a pause: an interval of some seconds is often enough",
            )),
            (Some(_), Some(tls)) if tls.is_from_files() => Ok(()),
            (Some(_), _) => Err(wrong(
                "watch_tls",
                "has no files to watch: call tls(..) with a TlsConfig::from_files(..)",
            )),
        }
    }

    /// Caps durations so that they can be added to a point in time.
    fn shorten(&mut self) {
        let bounds = &mut self.bounds;
        for duration in [
            &mut self.queue_timeout,
            &mut self.shutdown_grace,
            &mut bounds.idle_timeout,
            &mut bounds.handshake_timeout,
            &mut bounds.head_timeout,
            &mut bounds.read_timeout,
            &mut bounds.write_timeout,
            &mut bounds.body_timeout,
            &mut bounds.response_timeout,
        ] {
            *duration = (*duration).min(LONGEST);
        }
        self.timeout = self.timeout.map(|timeout| timeout.min(LONGEST));
    }

    fn check_zeros(&self) -> io::Result<()> {
        let Bounds { limits, .. } = &self.bounds;
        let times = [
            ("timeout", self.timeout.unwrap_or(LONGEST)),
            ("idle_timeout", self.bounds.idle_timeout),
            ("handshake_timeout", self.bounds.handshake_timeout),
            ("head_timeout", self.bounds.head_timeout),
            ("read_timeout", self.bounds.read_timeout),
            ("write_timeout", self.bounds.write_timeout),
            ("body_timeout", self.bounds.body_timeout),
            ("response_timeout", self.bounds.response_timeout),
            ("queue_timeout", self.queue_timeout),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.is_zero()) {
            return Err(wrong(
                name,
                "is zero, so everything would time out: leave it out, or set a long time for no limit",
            ));
        }
        let counts = [
            ("max_connections", self.max_connections == 0, "no client could connect"),
            ("max_threads", self.max_threads == 0, "no handler could run"),
            ("compute_threads", self.compute_threads == Some(0), "no request could be served"),
            ("max_requests_per_connection", self.bounds.requests == 0, "no request would be answered"),
            ("request_queue_size", self.request_queue_size == 0, "the system would queue no connection"),
            ("limits.request_line", limits.request_line == 0, "every request would be refused"),
            ("limits.head", limits.head == 0, "every request would be refused"),
            ("limits.fields", limits.fields == 0, "every request of HTTP/1.1 would be refused"),
            ("limits.chunk_line", limits.chunk_line == 0, "every chunked body would be refused"),
        ];
        match counts.iter().find(|(_, is_zero, _)| *is_zero) {
            Some((name, _, effect)) => {
                Err(wrong(name, &format!("is zero, so {effect}: set at least 1, or leave it out")))
            }
            None => Ok(()),
        }
    }
}

fn wrong(name: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the setting {name} {what}"))
}
