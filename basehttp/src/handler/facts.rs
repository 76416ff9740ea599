//! Properties of a connection that the system and TLS know. They are not kept, but queried when a handler asks for them.

use super::address::Address;

/// The properties of a connection.
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

    /// The certificates in DER, the client's own first.
    #[cfg(feature = "tls")]
    fn client_certificates(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// The credentials of the process at the other end of a unix socket, as the system reports them: those it had when it connected.
/// See [`Connection::peer_credentials`](crate::Connection::peer_credentials).
#[cfg(all(feature = "peer-credentials", unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The effective user ID. On Linux, a user that has no ID here, for example one of another container, has the ID of `nobody`,
    /// usually 65534.
    pub uid: u32,
    /// The effective group ID.
    pub gid: u32,
    /// The process ID, on Linux, Android and macOS. `None` for a process that has no ID here, for example one of another
    /// container. Use it for a log only: the process may have ended, and another process may have its ID.
    pub pid: Option<u32>,
}
