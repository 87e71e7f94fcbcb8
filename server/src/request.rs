//! What a subscribe request says beside who it comes from.

use axum::http::{HeaderMap, HeaderValue, request::Parts};

use crate::{connection::Wish, log::Cursor};

/// The connection before, of a client whose address must not change: the answer to its preflight is
/// remembered by address.
pub(crate) const CONNECTION: &str = "tidings-connection";

/// The query of `GET /` and its `Last-Event-ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) cursor: Cursor,
    pub(crate) reader: Reader,
    /// The connection the client had before.
    pub(crate) predecessor: Option<String>,
    /// The groups it wants of those it may read.
    pub(crate) groups: Wish,
    /// The groups that its cursor speaks for; all that it wants where it names none.
    pub(crate) known: Wish,
}

/// What reads the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// One of our clients, which understands status codes.
    Tidings,
    /// Anything else: to a browser's `EventSource` every status but 200 is final.
    Native,
}

impl Subscribe {
    pub(crate) fn of(parts: &Parts) -> Self {
        let header = parts.headers.get("last-event-id").map(HeaderValue::as_bytes);
        let mut subscribe = Self {
            cursor: header.map_or(Cursor::None, cursor),
            reader: Reader::Native,
            predecessor: parts.headers.get(CONNECTION).and_then(|id| id.to_str().ok()).map(str::to_owned),
            groups: None,
            known: None,
        };
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "last_event_id" if subscribe.cursor == Cursor::None => {
                    subscribe.cursor = cursor(value.as_bytes());
                }
                "tidings" if value == "1" => subscribe.reader = Reader::Tidings,
                "connection" => {
                    subscribe.predecessor.get_or_insert_with(|| value.into_owned());
                }
                "groups" | "known" => {
                    let named = value.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
                    let names = if name == "groups" { &mut subscribe.groups } else { &mut subscribe.known };
                    names.get_or_insert_default().extend(named);
                }
                _ => {}
            }
        }
        subscribe
    }
}

/// Whether a proxy says that it stands between.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}

/// The id of a connection that is named in the query, as `POST /alive` does.
pub(crate) fn named_connection(parts: &Parts) -> Option<String> {
    let query = parts.uri.query()?;
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "connection");
    named.map(|(_, id)| id.into_owned())
}

fn cursor(bytes: &[u8]) -> Cursor {
    if bytes.is_empty() {
        return Cursor::None;
    }
    match std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()) {
        Some(id) => Cursor::Id { id, covered: None },
        None => Cursor::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_before_may_be_named_in_a_header() {
        let request = axum::http::Request::get("/?tidings=1&connection=query");
        let request = request.header(CONNECTION, "header").body(()).expect("a request");
        assert_eq!(Subscribe::of(&request.into_parts().0).predecessor.as_deref(), Some("header"));
    }

    fn read(uri: &str, last_event_id: Option<&[u8]>) -> Subscribe {
        let mut request = axum::http::Request::get(uri);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Subscribe::of(&request.body(()).expect("a request").into_parts().0)
    }

    fn id(text: &str) -> Cursor {
        Cursor::Id { id: text.parse().expect("an id"), covered: None }
    }

    #[test]
    fn a_header_wins_over_the_query_unless_it_is_empty() {
        let check = |query: &str, header: Option<&[u8]>, cursor: Cursor| {
            assert_eq!(
                read(&format!("/?last_event_id={query}"), header).cursor,
                cursor,
                "{query} {header:?}"
            );
        };
        check("", None, Cursor::None);
        check("e-1", None, id("e-1"));
        check("e%3Ax-1", None, id("e:x-1"));
        check("e-1", Some(b"e-2"), id("e-2"));
        check("e-1", Some(b""), id("e-1"));
        check("e-1", Some(b"nonsense"), Cursor::Garbage);
        check("", Some(&[0xff, 0xfe]), Cursor::Garbage);
        check("%ff%fe", None, Cursor::Garbage);
    }

    #[test]
    fn our_clients_say_who_they_are_and_what_they_want() {
        let subscribe = read("/?tidings=1&connection=abc&groups=a,b&groups=c&known=", None);
        assert_eq!((subscribe.reader, subscribe.predecessor.as_deref()), (Reader::Tidings, Some("abc")));
        assert_eq!(subscribe.groups, Some(["a", "b", "c"].map(str::to_owned).into()));
        assert_eq!(subscribe.known, Some([].into()), "of none");
        let plain = read("/", None);
        assert_eq!((plain.reader, plain.predecessor, plain.groups), (Reader::Native, None, None));
    }
}
