//! Whether what a socket says first is a request for an event stream.
//!
//! It reads no further than it must to know, and knows only the one form in which such a request comes: anything
//! else, and anything odd, is left to hyper with all of its bytes, which answers or refuses it as ever.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header},
};
use bytes::Bytes;

/// 16 KiB: a browser's head with its cookies; a longer one is hyper's.
pub(crate) const HEAD_MAX: usize = 16 * 1024;

/// Lines of a head, as many as hyper takes.
const LINES_MAX: usize = 100;

/// What a socket has said so far.
#[derive(Debug)]
pub(crate) enum Head {
    /// The beginning of what may become a request for an event stream.
    Partial,
    /// One, and nothing behind it.
    EventStream(Box<Request<Body>>),
    /// Something else.
    Other,
}

impl Head {
    /// Reads what has come so far.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        const METHOD: &[u8] = b"GET /";
        let known = bytes.len().min(METHOD.len());
        if bytes[..known] != METHOD[..known] || bytes.len() > HEAD_MAX {
            return Self::Other;
        }
        if !bytes.ends_with(b"\r\n\r\n") {
            // An end further up has something behind it.
            let has_ended = bytes.windows(4).any(|window| window == b"\r\n\r\n");
            return if has_ended { Self::Other } else { Self::Partial };
        }
        // The parts of the request share one allocation, which is no larger than the head.
        event_stream(&Bytes::copy_from_slice(bytes))
            .map_or(Self::Other, |request| Self::EventStream(Box::new(request)))
    }
}

fn event_stream(bytes: &Bytes) -> Option<Request<Body>> {
    let mut lines = [httparse::EMPTY_HEADER; LINES_MAX];
    let mut parsed = httparse::Request::new(&mut lines);
    let httparse::Status::Complete(length) = parsed.parse(bytes).ok()? else { return None };
    if length != bytes.len() || parsed.version != Some(1) {
        return None;
    }
    let uri = Uri::from_maybe_shared(bytes.slice_ref(parsed.path?.as_bytes())).ok()?;
    let mut headers = HeaderMap::with_capacity(parsed.headers.len());
    for line in &*parsed.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        let value = match line.value {
            [] => HeaderValue::from_static(""),
            value => HeaderValue::from_maybe_shared(bytes.slice_ref(value)).ok()?,
        };
        headers.append(name, value);
    }
    let accepts = headers.get(header::ACCEPT)?.as_bytes();
    // Only so much of it as every client of event streams says.
    let wants = accepts.windows(EVENT_STREAM.len()).any(|window| window == EVENT_STREAM.as_bytes());
    let has_more = [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::EXPECT,
        header::UPGRADE,
        header::CONNECTION,
    ]
    .into_iter()
    .filter_map(|name| headers.get(name))
    .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"keep-alive"));
    if !wants || has_more {
        return None;
    }
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Some(request)
}

/// The media type.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "GET /sse?a=b HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nCookie: a=b\r\nCookie: c=d\r\nX-Empty:\r\n\r\n";

    fn kind(bytes: &[u8]) -> &'static str {
        match Head::of(bytes) {
            Head::Partial => "partial",
            Head::EventStream(_) => "stream",
            Head::Other => "other",
        }
    }

    #[test]
    fn a_request_for_a_stream_is_known_at_its_last_byte_and_not_before() {
        for end in 0..WHOLE.len() {
            assert_eq!(kind(&WHOLE.as_bytes()[..end]), "partial", "{end}");
        }
        let Head::EventStream(request) = Head::of(WHOLE.as_bytes()) else { panic!("a request") };
        assert_eq!(request.uri(), "/sse?a=b");
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=b", "c=d"]);
        assert_eq!(
            (&request.headers()["x-empty"], request.headers().len()),
            (&"".parse().expect("a value"), 5)
        );
    }

    #[test]
    fn everything_else_is_left_to_hyper() {
        let with = |line: &str| WHOLE.replace("X-Empty:\r\n", line);
        for other in [
            "POST / HTTP/1.1\r\n".to_owned(),
            "GET http://x/sse HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n".to_owned(),
            "\r\nGET".to_owned(),
            WHOLE.replace("HTTP/1.1", "HTTP/1.0"),
            WHOLE.replace("HTTP/1.1", "HTTP/2.0"),
            WHOLE.replace("text/event-stream", "*/*"),
            WHOLE.replace("Host: x", "Host x"),
            WHOLE.replace("/sse", "/s e"),
            with("Content-Length: 1\r\n"),
            with("Transfer-Encoding: chunked\r\n"),
            with("Expect: 100-continue\r\n"),
            with("Upgrade: h2c\r\n"),
            with("Connection: upgrade\r\n"),
            with("a\u{0}b: c\r\n"),
            format!("{WHOLE}GET / HTTP/1.1\r\n"),
            format!("{WHOLE}x"),
            with(&format!("x: {}\r\n", "y".repeat(HEAD_MAX))),
            with(&"x: y\r\n".repeat(LINES_MAX)),
        ] {
            assert_eq!(kind(other.as_bytes()), "other", "{other:?}");
        }
        assert_eq!(kind(with("Connection: Keep-Alive\r\n").as_bytes()), "stream");
    }

    #[test]
    fn no_byte_anywhere_in_a_head_makes_it_panic_or_lets_something_else_pass_for_a_stream() {
        let mut streams = 0;
        for at in 0..WHOLE.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = WHOLE.as_bytes().to_vec();
                bytes[at] = byte;
                if let Head::EventStream(request) = Head::of(&bytes) {
                    // What was changed is within a name or a value, where hyper would have taken it too.
                    assert!(
                        request.uri().path().starts_with('/') && request.headers().contains_key("accept")
                    );
                    streams += 1;
                }
            }
        }
        assert!(streams > WHOLE.len(), "most letters of a path, a name or a value may be others: {streams}");
    }
}
