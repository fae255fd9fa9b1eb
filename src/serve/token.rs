//! The secret that lets a request in: a header, or a cookie that `/?token=…` sets.

use std::fs;
use std::path::Path;

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Kind, Result};

/// The secret. It is compared by its hash, so that how long that takes tells nothing of it.
#[derive(Clone)]
pub struct Token {
    hash: [u8; 32],
    cookie: String,
    cookie_name: String,
}

/// Shorter ones can be guessed.
const LEAST_BYTES: usize = 16;

impl Token {
    /// # Errors
    /// `Config` where the file cannot be read, or holds no secret.
    pub fn read(file: &Path) -> Result<String> {
        fs::read_to_string(file).map_err(|error| {
            Failure::new(
                Kind::Config,
                format!("cannot read the token of {}: {error}", file.display()),
            )
        })
    }

    /// # Errors
    /// `Config` for what is too short, or no browser could send. `source`: where it stands.
    pub fn new(text: &str, source: &str) -> Result<Self> {
        let text = text.trim();
        let is_plain = text.bytes().all(|it| it.is_ascii_graphic());
        if text.len() < LEAST_BYTES || !is_plain {
            let must = format!(
                "the token of {source} must be {LEAST_BYTES} or more letters, digits and signs without blanks"
            );
            return Err(Failure::new(Kind::Config, must).hint("openssl rand -hex 32 makes one"));
        }
        let cookie = hex(&digest(&format!("pgtend cookie {text}")));
        Ok(Token { hash: digest(text), cookie, cookie_name: "pgtend".to_owned() })
    }

    /// With a cookie of its own: browsers send a cookie to every port of a host.
    #[must_use]
    pub fn on_port(self, port: Option<u16>) -> Self {
        let cookie_name = port.map_or_else(|| "pgtend".to_owned(), |it| format!("pgtend_{it}"));
        Token { cookie_name, ..self }
    }

    /// Whether this is the secret.
    pub fn is(&self, text: &str) -> bool {
        is_same(&digest(text), &self.hash)
    }

    /// Whether the request shows it, in the one header or the cookie.
    pub fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        if let (Some(shown), None) = (shown.next(), shown.next()) {
            let words = shown.to_str().ok().and_then(|it| it.split_once(' '));
            let bearer = words.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return bearer.is_some_and(|(_, token)| self.is(token.trim()));
        }
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.split_once('='));
        pairs.any(|(name, value)| {
            name.trim() == self.cookie_name && is_same(&digest(value.trim()), &digest(&self.cookie))
        })
    }

    /// The cookie, for what is below this path.
    pub fn cookie(&self, path: &str) -> String {
        let Token { cookie_name, cookie, .. } = self;
        format!("{cookie_name}={cookie}; Path={path}; HttpOnly; SameSite=Strict; Max-Age=2592000")
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Looks at every byte, whatever the first ones say.
fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
}

/// The bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_secret_is_shown_in_one_place() {
        let token = Token::new(&format!("{SECRET}\n"), "a file").unwrap().on_port(Some(8432));
        let shows = |pairs: &[(header::HeaderName, &str)]| token.is_shown(&headers(pairs));
        let bearer = format!("Bearer {SECRET}");
        assert!(shows(&[(header::AUTHORIZATION, &bearer)]));
        assert!(shows(&[(header::AUTHORIZATION, &format!("bearer {SECRET}"))]));
        let cookie = token.cookie("/").split(';').next().unwrap().to_owned();
        assert!(shows(&[(header::COOKIE, &format!("a=b; {cookie}; c=d"))]));
        assert!(!cookie.contains(SECRET), "the cookie is not the secret");
        for wrong in [
            vec![],
            vec![(header::AUTHORIZATION, SECRET)],
            vec![(header::AUTHORIZATION, "Bearer 0123456789abcdeF")],
            vec![(header::AUTHORIZATION, "Basic 0123456789abcdef")],
            vec![(header::AUTHORIZATION, bearer.as_str()), (header::AUTHORIZATION, "Bearer x")],
            vec![(header::COOKIE, "pgtend_8432=0123456789abcdef")],
        ] {
            assert!(!shows(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_secret_cannot_be_guessed() {
        for short in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdeé"] {
            assert!(Token::new(short, "a file").is_err(), "{short}");
        }
    }
}
