//! `HTTPServer`: listens, accepts connections and gives each its own handler.

mod acceptor;
mod address;
pub(crate) mod alone;
mod assign;
mod body;
mod caught;
mod config;
pub(crate) mod connection;
mod control;
mod counters;
mod detached;
mod driver;
mod end;
mod ending;
mod endpoint;
mod engine;
mod failing;
mod far_socket;
mod http_server;
#[cfg(feature = "tls")]
mod https_server;
mod inbox;
mod listener;
mod listeners;
mod local;
mod log;
mod machine;
mod mailbox;
#[cfg(all(test, any(loom, shuttle)))]
mod models;
#[cfg(feature = "name-lookup")]
mod name_lookup;
mod one_shot;
#[cfg(all(feature = "peer-credentials", unix))]
mod peer_credentials;
mod poller;
mod pool;
mod predictor;
mod preface;
#[cfg(feature = "proxy")]
mod proxy;
mod refusal;
mod relay;
mod run_queue;
mod scheduler;
mod sending;
mod settings;
mod shutdown;
#[cfg(unix)]
mod socket_file;
mod stop;
mod stream;
mod sync;
mod table;
mod thread;
mod threads;
mod time;
mod timers;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod transport;
pub(crate) mod turn;
mod usage;
mod wakers;
mod watchdog;
mod worker;

pub use address::ServerAddress;
pub(crate) use address::url;
pub use config::ServerBuilder;
pub use http_server::HTTPServer;
#[cfg(feature = "tls")]
pub use https_server::HTTPSServer;
pub use listener::IntoListener;
pub use one_shot::{OneShot, OneShotRequest, OneShotResponse};
#[cfg(feature = "tls")]
pub use tls::TlsConfig;
