//! What caused an event: the request whose handler sends it.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

/// Longer values are no ids anybody generated.
const ID_BYTES_MAX: usize = 128;

/// The headers of a request that travel in the `meta` of the events it causes, bounded and checked; what
/// does not pass is left out.
///
/// # Example
/// ```
/// use tidings_server::{Audience, Cause, Hub, SendError, protocol::Contract};
/// async fn rename<C: Contract>(hub: &Hub<C>, cause: Cause, event: &C) -> Result<(), SendError> {
///     hub.caused_by(cause).send(Audience::everyone(), event).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// `x-tidings-origin`: the provider that made the request, which marks the event as its own.
    pub origin: Option<String>,
    /// `x-correlation-id`.
    pub correlation_id: Option<String>,
    /// `traceparent`, W3C trace context.
    pub traceparent: Option<String>,
}

impl Cause {
    /// Reads the headers of a request.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str, is_valid: fn(&str) -> bool| {
            headers.get(name)?.to_str().ok().filter(|text| is_valid(text)).map(str::to_owned)
        };
        Self {
            origin: text("x-tidings-origin", is_id),
            correlation_id: text("x-correlation-id", is_id),
            traceparent: text("traceparent", is_traceparent),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Cause {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// `version-trace-parent-flags` in lower-case hex, as of W3C Trace Context level 1.
fn is_traceparent(text: &str) -> bool {
    let fields: Vec<_> = text.split('-').collect();
    fields.iter().map(|field| field.len()).eq([2, 32, 16, 2])
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_headers_are_taken() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let cause = |name: &'static str, value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.try_into().expect("a header value"));
            Cause::from_headers(&headers)
        };
        assert_eq!(cause("traceparent", trace.as_bytes()).traceparent.as_deref(), Some(trace));
        assert_eq!(cause("traceparent", b"00-4bf9-00f0-01"), Cause::default());
        assert_eq!(cause("x-correlation-id", b"r-7").correlation_id.as_deref(), Some("r-7"));
        assert_eq!(cause("x-correlation-id", b"with space"), Cause::default());
        assert_eq!(cause("x-tidings-origin", &[b'a'; 129]), Cause::default());
        assert_eq!(cause("x-tidings-origin", &[0xff]), Cause::default());
    }
}
