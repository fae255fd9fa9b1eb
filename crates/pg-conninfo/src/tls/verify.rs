//! Judges of a server's certificate, as strict as each `sslmode` asks.
//!
//! webpki, which rustls relies on, is stricter than OpenSSL in two ways that meet certificates made
//! as the PostgreSQL documentation says: it takes no authority's certificate for a server's, and
//! does not read X.509 version 1. Both are made up for here where that does not weaken the mode.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::{Decode, Encode};

pub(super) type RustlsResult<T> = Result<T, rustls::Error>;

/// Takes any certificate, but sees to it that the server has its key: channel binding relies on
/// that.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Takes certificates that a trusted authority has signed.
#[derive(Debug)]
pub(super) struct TrustedCertificate {
    pub(super) chain: Arc<WebPkiServerVerifier>,
    pub(super) trusted: Vec<CertificateDer<'static>>,
    pub(super) names: Names,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Whether the certificate must be made out to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Checked,
    Ignored,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> RustlsResult<ServerCertVerified> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> RustlsResult<HandshakeSignatureValid> {
        tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> RustlsResult<HandshakeSignatureValid> {
        tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for TrustedCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> RustlsResult<ServerCertVerified> {
        if self.trusted.iter().any(|trusted| trusted == end_entity) {
            return self.verify_itself(end_entity, server_name, now);
        }
        let chain = &self.chain;
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last, so the rest of the certificate is in order.
            Err(rustls::Error::InvalidCertificate(error))
                if self.names == Names::Ignored && is_name_error(&error) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> RustlsResult<HandshakeSignatureValid> {
        tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> RustlsResult<HandshakeSignatureValid> {
        tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl TrustedCertificate {
    /// A server that shows the very certificate that is trusted: the self-signed one that the
    /// PostgreSQL documentation tells how to make. It is an authority's, which webpki refuses to
    /// see on a server and OpenSSL does not.
    fn verify_itself(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> RustlsResult<ServerCertVerified> {
        let validity = parse(end_entity)?.tbs_certificate.validity;
        let seconds = now.as_secs();
        if seconds < validity.not_before.to_unix_duration().as_secs() {
            return Err(CertificateError::NotValidYet.into());
        }
        if seconds > validity.not_after.to_unix_duration().as_secs() {
            return Err(CertificateError::Expired.into());
        }
        if self.names == Names::Checked {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
}

/// Whether the certificate is good but made out to somebody else.
pub(super) fn is_name_error(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

pub(super) fn parse(certificate: &CertificateDer<'_>) -> RustlsResult<Certificate> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// The certificate if it is of X.509 version 1, which webpki does not read: what `openssl x509
/// -req` makes without an extension file, as in the PostgreSQL documentation.
pub(super) fn parse_version_1(
    certificate: &CertificateDer<'_>,
) -> RustlsResult<Option<Certificate>> {
    Ok(Some(parse(certificate)?).filter(|parsed| parsed.tbs_certificate.version == Version::V1))
}

pub(super) fn public_key(
    certificate: &Certificate,
) -> RustlsResult<SubjectPublicKeyInfoDer<'static>> {
    let key = certificate.tbs_certificate.subject_public_key_info.to_der();
    key.map(SubjectPublicKeyInfoDer::from)
        .map_err(|_| CertificateError::BadEncoding.into())
}

fn tls13_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> RustlsResult<HandshakeSignatureValid> {
    let Some(parsed) = parse_version_1(certificate)? else {
        return verify_tls13_signature(message, certificate, signed, algorithms);
    };
    verify_tls13_signature_with_raw_key(message, &public_key(&parsed)?, signed, algorithms)
}

fn tls12_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> RustlsResult<HandshakeSignatureValid> {
    let Some(parsed) = parse_version_1(certificate)? else {
        return verify_tls12_signature(message, certificate, signed, algorithms);
    };
    // rustls checks a bare key's signature for TLS 1.3 only.
    let key = parsed.tbs_certificate.subject_public_key_info.subject_public_key;
    let of_scheme = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
    let is_signed = of_scheme.flat_map(|(_, candidates)| candidates.iter()).any(|algorithm| {
        algorithm.verify_signature(key.raw_bytes(), message, signed.signature()).is_ok()
    });
    if is_signed {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}
