//! Where `serve` listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use tokio::net::{TcpListener, UnixListener};

use crate::failure::{Failure, Kind, Result};

/// Where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    /// A socket of this machine; who may connect, its mode says: its owner.
    Unix(PathBuf),
}

impl Address {
    /// # Errors
    /// Says how an address is written.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.is_empty() {
                true => Err("a path has to follow unix:".to_owned()),
                false => Ok(Address::Unix(path.into())),
            };
        }
        let address = match text.strip_prefix("localhost:") {
            Some(port) => {
                port.parse().ok().map(|port| (IpAddr::V4(Ipv4Addr::LOCALHOST), port).into())
            }
            None => text.parse().ok(),
        };
        address.map(Address::Tcp).ok_or_else(|| {
            "expected an IP address and a port such as 127.0.0.1:8432 or [::1]:8432, or unix:/path"
                .to_owned()
        })
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Address::Tcp(address) => address.ip().is_loopback(),
            Address::Unix(_) => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "http://{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// It listens; a socket's file goes when it is dropped.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// # Errors
    /// `Io`, where somebody else listens there, or this user may not.
    pub async fn bind(address: &Address) -> Result<Self> {
        let bound = match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp),
            Address::Unix(path) => bind_unix(path),
        };
        bound.map_err(|error| {
            let hint = match address {
                Address::Tcp(_) => "--listen names another address or port",
                Address::Unix(_) => "--listen names another path; pgtend removes only a socket that nobody listens on",
            };
            Failure::new(Kind::Io, format!("cannot listen on {address}: {error}")).hint(hint)
        })
    }

    /// Where it listens now: the system chooses a port for 0.
    pub fn address(&self) -> Option<Address> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok().map(Address::Tcp),
            Listener::Unix(_, path) => Some(Address::Unix(path.clone())),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            let _ = fs::remove_file(path);
        }
    }
}

/// A socket that a killed server has left is replaced; one that answers is not.
fn bind_unix(path: &Path) -> std::io::Result<Listener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        fs::remove_file(path)?;
    }
    // Nobody else can connect in the moment before the mode is set: no one listens yet.
    let socket = std::os::unix::net::UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(socket)?, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_address_with_a_port_or_a_socket() {
        for (text, shown, is_local) in [
            ("127.0.0.1:8432", "http://127.0.0.1:8432", true),
            ("localhost:80", "http://127.0.0.1:80", true),
            ("[::1]:1", "http://[::1]:1", true),
            ("0.0.0.0:8432", "http://0.0.0.0:8432", false),
            ("unix:/run/x", "unix:/run/x", true),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (shown, is_local));
        }
        for text in ["", "8432", "db1:8432", "unix:", "127.0.0.1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
