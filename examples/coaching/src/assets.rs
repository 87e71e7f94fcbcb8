//! The page's files: what Next.js exports, served as any web server would.

use std::path::Path;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Uri, header},
    middleware::map_response,
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::services::{ServeDir, ServeFile};

/// `/session` is `session/index.html` or `session.html`, whichever the export made; what is nowhere is `404.html`.
pub(crate) fn files(folder: &Path) -> Router {
    let missing = ServeFile::new(folder.join("404.html"));
    let pages = ServiceBuilder::new()
        .map_request(as_page)
        .service(ServeDir::new(folder).append_index_html_on_directories(false).not_found_service(missing));
    let built = Router::new()
        .fallback_service(ServeDir::new(folder.join("_next/static")))
        .layer(map_response(kept_for_good));
    let others = Router::new()
        .fallback_service(ServeDir::new(folder).fallback(pages))
        .layer(map_response(asked_for_again));
    others.nest("/_next/static", built)
}

/// `/session` and `/session/` to `/session.html`.
fn as_page<B>(mut request: Request<B>) -> Request<B> {
    let page = format!("{}.html", request.uri().path().trim_end_matches('/'));
    if let Ok(uri) = Uri::try_from(page) {
        *request.uri_mut() = uri;
    }
    request
}

/// Built files are named after their content.
async fn kept_for_good(response: Response) -> Response {
    if response.status().is_success() {
        return with_cache_control(response, "public, max-age=31536000, immutable");
    }
    response
}

/// Everything else may be another one after the next build.
async fn asked_for_again(response: Response) -> Response {
    if response.headers().contains_key(header::CACHE_CONTROL) {
        return response;
    }
    with_cache_control(response, "no-cache")
}

fn with_cache_control(mut response: Response, value: &'static str) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}
