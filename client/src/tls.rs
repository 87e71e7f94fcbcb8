//! TLS over rustls with ring, trusting Mozilla's roots and what the app adds.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::ConnectError;

/// The configuration that trusts `added`, in PEM, beside Mozilla's roots.
pub(crate) fn config(added: &[Vec<u8>]) -> Result<ClientConfig, ConnectError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for pem in added {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| tls(&error))?;
            roots.add(certificate).map_err(|error| tls(&error))?;
            found = true;
        }
        if !found {
            return Err(ConnectError::Tls(
                "a root certificate is no PEM with a certificate in it".to_owned(),
            ));
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn tls(error: &dyn std::fmt::Display) -> ConnectError {
    ConnectError::Tls(error.to_string())
}
