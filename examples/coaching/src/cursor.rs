//! Hands out, with a page's data, the place in the event order that the data is at least as new as.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tidings_server::CURSOR_HEADER;

use crate::platform::Platform;

/// Runs around every GET. The cursor is read before any data: whatever happens from then on reaches the page as
/// an event, twice at worst and never not at all.
///
/// An event gets its place after the commit that it is part of. So data that is read after the cursor holds the
/// change of every event that the cursor covers. It may also hold a change whose event has no place yet: that
/// event comes once more, and says what is there already.
pub(crate) async fn carry_cursor(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let cursor = platform.hub.cursor();
    let mut response = next.run(request).await;
    // A refusal has no data to go on from, and a stranger does not learn how much happens here.
    if response.status().is_success()
        && let Ok(value) = HeaderValue::try_from(cursor.to_string())
    {
        response.headers_mut().insert(HeaderName::from_static(CURSOR_HEADER), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use tidings_bindings::{Event, Severity};
    use tidings_server::Audience;
    use tower::ServiceExt;

    use super::*;
    use crate::platform::tests::platform;

    #[tokio::test]
    async fn the_cursor_is_older_than_what_happens_while_the_data_is_read() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let before = platform.hub.cursor().to_string();
        let hub = platform.hub.clone();
        let reads_slowly = async move || {
            let event = Event::SystemAnnouncement { message: "Meanwhile".into(), severity: Severity::Info };
            hub.send(Audience::everyone(), &event).await.map(drop).expect("sent");
        };
        let app = Router::new()
            .route("/", get(reads_slowly))
            .layer(from_fn_with_state(platform.clone(), carry_cursor));
        let response = app.oneshot(Request::new(Body::empty())).await.expect("infallible");
        let cursor = response.headers().get(CURSOR_HEADER).expect("a cursor");
        assert_eq!(cursor.to_str().expect("text"), before);
        assert_ne!(platform.hub.cursor().to_string(), before, "something happened meanwhile");
    }
}
