//! The process at the other end of a unix socket. Each kind of system has its own call for it.

use std::os::fd::AsFd;

use crate::handler::PeerCredentials;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn of(socket: &impl AsFd) -> Option<PeerCredentials> {
    let peer = nix::sys::socket::getsockopt(socket, nix::sys::socket::sockopt::PeerCredentials).ok()?;
    Some(PeerCredentials { uid: peer.uid(), gid: peer.gid(), pid: number(peer.pid()) })
}

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
pub(super) fn of(socket: &impl AsFd) -> Option<PeerCredentials> {
    let (user, group) = nix::unistd::getpeereid(socket).ok()?;
    Some(PeerCredentials { uid: user.as_raw(), gid: group.as_raw(), pid: pid(socket) })
}

#[cfg(target_vendor = "apple")]
fn pid(socket: &impl AsFd) -> Option<u32> {
    nix::sys::socket::getsockopt(socket, nix::sys::socket::sockopt::LocalPeerPid).ok().and_then(number)
}

#[cfg(any(target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd", target_os = "openbsd"))]
fn pid(_socket: &impl AsFd) -> Option<u32> {
    None
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
pub(super) fn of(_socket: &impl AsFd) -> Option<PeerCredentials> {
    None
}

/// A process of another container has the number 0 here.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn number(pid: i32) -> Option<u32> {
    u32::try_from(pid).ok().filter(|pid| *pid != 0)
}
