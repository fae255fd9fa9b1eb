//! Under which names a request may ask for this server. A page of anybody's can let its own name lead here
//! (DNS rebinding), and a browser then takes what it reads for that page's: so the name is looked at, also
//! where only this machine can connect.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, Uri, header};

use super::address::Address;

/// The names.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// The port that a name without further notice goes with; `None`: of a socket, any.
    port: Option<u16>,
    /// Every IP address is ours: it listens on all.
    is_any_ip: bool,
    ip: Option<IpAddr>,
    allowed: Vec<Authority>,
}

/// A name or an IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    name: String,
    port: Option<u16>,
}

impl Authority {
    /// As it stands in a `Host` header; `None` for what nobody would write who means it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (ip, rest) = rest.split_once(']')?;
                ip.parse::<Ipv6Addr>().ok()?;
                (format!("[{}]", ip.to_ascii_lowercase()), rest)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                (text[..end].to_ascii_lowercase(), &text[end..])
            }
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        let host = name.strip_suffix('.').unwrap_or(&name).to_owned();
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._[]:".contains(&it);
        (!host.is_empty() && host.bytes().all(is_plain)).then_some(Authority { name: host, port })
    }

    fn ip(&self) -> Option<IpAddr> {
        self.name.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

impl Hosts {
    pub fn new(address: &Address, allowed: &[Authority]) -> Self {
        let (ip, port) = match address {
            Address::Tcp(address) => (Some(address.ip()), Some(address.port())),
            Address::Unix(_) => (None, None),
        };
        Hosts {
            port,
            is_any_ip: ip.is_some_and(|ip| ip.is_unspecified()),
            ip,
            allowed: allowed.to_vec(),
        }
    }

    /// Whether the request asks for this server: by one `Host` header, and by nothing else.
    pub fn know(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None, None) = (hosts.next(), hosts.next(), uri.authority()) else {
            return false;
        };
        let authority = host.to_str().ok().and_then(Authority::parse);
        authority.is_some_and(|authority| self.is_ours(&authority))
    }

    fn is_ours(&self, authority: &Authority) -> bool {
        let is_allowed = |it: &Authority| {
            it.name == authority.name && (it.port.is_none() || it.port == authority.port)
        };
        self.allowed.iter().any(is_allowed) || self.is_own(authority)
    }

    fn is_own(&self, authority: &Authority) -> bool {
        let has_port = self.port.is_none_or(|port| authority.port.unwrap_or(80) == port);
        let is_ip = |ip: IpAddr| ip.is_loopback() || self.is_any_ip || self.ip == Some(ip);
        has_port && (authority.name == "localhost" || authority.ip().is_some_and(is_ip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, allowed: &[&str]) -> Hosts {
        let allowed = allowed.iter().map(|it| Authority::parse(it).unwrap()).collect::<Vec<_>>();
        Hosts::new(&Address::parse(listen).unwrap(), &allowed)
    }

    fn knows(hosts: &Hosts, named: &[&str], uri: &str) -> bool {
        let mut headers = HeaderMap::new();
        for name in named {
            headers.append(header::HOST, name.parse().unwrap());
        }
        hosts.know(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn only_names_of_this_server_lead_to_it() {
        let own = hosts("127.0.0.1:8432", &["pgtend.example.com", "other:443"]);
        for name in [
            "localhost:8432",
            "LOCALHOST.:8432",
            "127.0.0.1:8432",
            "[::1]:8432",
            "pgtend.example.com",
            "Pgtend.Example.com:9000",
            "other:443",
        ] {
            assert!(knows(&own, &[name], "/"), "{name}");
        }
        for name in [
            "localhost",
            "localhost:80",
            "evil.example.com:8432",
            "192.0.2.1:8432",
            "other",
            "localhost:8432:8432",
            "localhost:",
            "localhost:+8432",
            "user@localhost:8432",
            "",
            "[::1]x:8432",
            "127.0.0.1.evil.example.com:8432",
            "localhost, evil:8432",
            "::1",
        ] {
            assert!(!knows(&own, &[name], "/"), "{name}");
        }
        assert!(!knows(&own, &[], "/"), "no name at all");
        assert!(!knows(&own, &["localhost:8432", "localhost:8432"], "/"), "two");
        assert!(!knows(&own, &["localhost:8432"], "http://evil.example.com/"), "and another");
    }

    #[test]
    fn an_ip_address_cannot_be_rebound() {
        let all = hosts("0.0.0.0:8432", &[]);
        assert!(knows(&all, &["192.0.2.1:8432"], "/") && knows(&all, &["[2001:db8::1]:8432"], "/"));
        assert!(!knows(&all, &["db1:8432"], "/") && !knows(&all, &["192.0.2.1"], "/"));
        let socket = hosts("unix:/run/x", &[]);
        assert!(knows(&socket, &["localhost"], "/") && !knows(&socket, &["evil"], "/"));
    }
}
