//! One request over one socket, and its answer.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, User};

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn data(&self) -> Value {
        assert!(self.status < 300, "{self:?}");
        let json = self.json();
        assert_eq!(json["status_code"], self.status, "{json}");
        json["data"].clone()
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n" + body
}

/// Sends a request and reads its whole answer.
pub(crate) async fn raw(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut all = vec![("connection", "close")];
    all.extend_from_slice(headers);
    let mut socket = TcpStream::connect(address).await.expect("connects");
    socket.write_all(request(method, path, &all, body).as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.expect("in time").expect("read");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    let (status, headers) = read_head(head);
    assert!(!headers.iter().any(|(name, _)| name == "transfer-encoding"), "answers have a length");
    Reply { status, headers, body: body.to_owned() }
}

/// The status and the headers of an answer.
pub(crate) fn read_head(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    (status.parse().expect("a number"), headers)
}

/// Sends a request and closes the socket after a moment, whether or not the answer is there.
pub(crate) async fn send_and_drop(user: &User, method: &str, path: &str, body: &str, moment: Duration) {
    let headers = [("cookie", user.cookie.as_str()), ("content-type", "application/json")];
    let mut socket = TcpStream::connect(user.address).await.expect("connects");
    socket.write_all(request(method, path, &headers, body).as_bytes()).await.expect("sent");
    let _ = timeout(moment, socket.readable()).await;
}
