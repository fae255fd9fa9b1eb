//! A document sent to a URL over HTTPS, verified with the certificates of the system.

use std::fs;
use std::sync::Arc;

use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::NotifyConfig;

/// Where it is sent. Whoever knows the path may write there, so it is shown to nobody.
pub struct WebhookUrl {
    uri: Uri,
    host: String,
}

/// The URL, wherever it stands; `None` where there is none.
pub fn url(notify: &NotifyConfig) -> Result<Option<String>, String> {
    let set =
        match (&notify.webhook_env, &notify.webhook_file) {
            (Some(name), _) => Some(std::env::var(name).map_err(|_| {
                format!("the environment variable {name} (webhook_env) is not set")
            })?),
            (None, Some(file)) => Some(fs::read_to_string(file).map_err(|error| {
                format!("cannot read {} (webhook_file): {error}", file.display())
            })?),
            (None, None) => notify.webhook.clone(),
        };
    Ok(set.map(|url| url.trim().to_owned()))
}

impl WebhookUrl {
    pub fn of(url: &str) -> Result<WebhookUrl, String> {
        let uri = url.parse::<Uri>().map_err(|_| "the webhook is no URL".to_owned())?;
        if uri.scheme_str() != Some("https") {
            return Err("the webhook does not begin with https://".to_owned());
        }
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(WebhookUrl { uri, host })
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends the document. A redirection is not followed: it would give it to somebody else.
    pub async fn post(self, body: String) -> Result<(), String> {
        let words = |error: &dyn std::error::Error| error.to_string();
        let port = self.uri.port_u16().unwrap_or(443);
        let stream = TcpStream::connect((self.host.as_str(), port))
            .await
            .map_err(|error| words(&error))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| words(&error))?;
        let tls = connector()?.connect(name, stream).await.map_err(|error| words(&error))?;
        let connected = http1::handshake(TokioIo::new(tls)).await;
        let (mut sender, connection) = connected.map_err(|error| words(&error))?;
        let connection = tokio::spawn(connection);
        let request = self.request(body).map_err(|error| words(&error))?;
        let answer = sender.send_request(request).await;
        connection.abort();
        let status = answer.map_err(|error| words(&error))?.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("it answered {status}")),
        }
    }

    fn request(&self, body: String) -> Result<Request<String>, hyper::http::Error> {
        let host = match self.uri.port() {
            Some(port) => format!("{}:{port}", self.uri.host().unwrap_or_default()),
            None => self.uri.host().unwrap_or_default().to_owned(),
        };
        Request::post(self.uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("pgtend/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
    }
}

fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_will_do_and_the_secret_is_not_said() {
        for url in ["http://hooks.example.com/T0/SECRET", "SECRET", "https//x/SECRET", ""] {
            let why = WebhookUrl::of(url).err().unwrap();
            assert!(!why.contains("SECRET"), "{why}");
        }
        let place = WebhookUrl::of("https://[::1]:8443/T0/SECRET?a=b").unwrap();
        assert_eq!(place.host(), "::1");
        let request = place.request(String::new()).unwrap();
        assert_eq!(request.uri().to_string(), "/T0/SECRET?a=b");
        assert_eq!(request.headers()["host"], "[::1]:8443");
    }
}
