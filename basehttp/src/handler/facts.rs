//! What the system and TLS know of a connection. Nothing of it is kept: it is asked for when a handler wants to know it.

use super::address::Address;

/// What is known of a connection.
pub(crate) trait Facts {
    fn local_address(&self) -> Option<Address>;

    #[cfg(all(feature = "peer-credentials", unix))]
    fn peer_credentials(&self) -> Option<PeerCredentials>;

    /// `TLSv1.3` or `TLSv1.2`.
    #[cfg(feature = "tls")]
    fn tls_version(&self) -> Option<&'static str> {
        None
    }

    #[cfg(feature = "tls")]
    fn server_name(&self) -> Option<&str> {
        None
    }

    /// In DER, the client's own first.
    #[cfg(feature = "tls")]
    fn client_certificates(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// Who is at the other end of a unix socket, as the system says: what the process was when it connected. See
/// [`Connection::peer_credentials`](crate::Connection::peer_credentials).
#[cfg(all(feature = "peer-credentials", unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The number of its effective user. One that this process has no number for, of another container for example, has that
    /// of `nobody`, mostly 65534 (Linux).
    pub uid: u32,
    /// The number of its effective group.
    pub gid: u32,
    /// The number of the process, on Linux, Android and macOS. None for a process that has no number here, of another container
    /// for example. It is for a log: the process may have ended since, and another one may have the number.
    pub pid: Option<u32>,
}
