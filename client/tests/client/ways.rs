//! TLS and proxies.

use std::{net::SocketAddr, sync::Arc};

use tidings_client::Item;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::support::{Event, Reading, Server, client, connect_proxy, join, url};

/// TLS for `localhost` in front of `target`; where, and the certificate.
async fn tls(target: SocketAddr) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("its own key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    join(stream, target).await;
                }
            });
        }
    });
    (address, made.cert.pem())
}

#[tokio::test]
async fn a_certificate_counts_once_its_root_is_trusted() {
    let server = Server::start().await;
    let (front, certificate) = tls(server.address).await;
    let url = format!("https://localhost:{}/sse", front.port());
    let mut trusting = client::<Event>(url.clone())
        .header("x-user", "42")
        .root_certificate(certificate)
        .connect()
        .await
        .expect("a client");
    trusting.begin().await;

    let mut wary = client::<Event>(url).header("x-user", "43").connect().await.expect("a client");
    loop {
        match wary.item().await {
            Some(Item::Error(error)) => break assert!(error.to_string().contains("certificate"), "{error}"),
            Some(Item::State(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.hub.connections().users(), ["42"]);
}

#[tokio::test]
async fn a_proxy_connects_to_https() {
    let server = Server::start().await;
    let (front, certificate) = tls(server.address).await;
    let (proxy, asked) = connect_proxy().await;
    let mut client = client::<Event>(format!("https://localhost:{}/sse", front.port()))
        .header("x-user", "42")
        .root_certificate(certificate)
        .proxy(format!("http://me:secret@{proxy}"))
        .connect()
        .await
        .expect("a client");
    client.begin().await;
    let asked = asked.lock().expect("no panic");
    let [head] = &asked[..] else { panic!("{asked:?}") };
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", front.port())), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic bwu6c2vjcmv0\r\n"), "{head}");
    assert!(!head.contains("x-user"), "what is for the server is not for the proxy: {head}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_http_by_whole_address() {
    let server = Server::start().await;
    // A server of ours reads an absolute target as a proxy would: it is one here.
    let there = url("127.0.0.1:9".parse().expect("an address"));
    let mut client = client::<Event>(there)
        .header("x-user", "42")
        .proxy(format!("http://{}", server.address))
        .connect()
        .await
        .expect("a client");
    client.begin().await;
    assert_eq!(server.hub.connections().users(), ["42"]);
}
