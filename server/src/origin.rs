//! Which pages may read: the browser says where a request comes from, an exact list says who may.

use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

/// How long a browser may remember the answer to a preflight: the longest that Chromium honours.
const PREFLIGHT_SECONDS: &str = "7200";

/// The headers of a client that comes back.
const RESUMING: &str = "last-event-id, tidings-connection";

/// What a request's `Origin` and `Sec-Fetch-Site` come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The page's own server, or no browser.
    Same,
    /// A page from elsewhere that may read.
    Allowed(HeaderValue),
    /// A page that may not.
    Foreign,
}

impl Origin {
    /// Judges a request. A same-origin `GET` carries no `Origin`, so its absence is judged by
    /// `Sec-Fetch-Site`; `null` is what anybody's sandboxed frame sends, and never allowed.
    pub(crate) fn of(headers: &HeaderMap, allowed: &[String]) -> Self {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        match headers.get(header::ORIGIN) {
            Some(origin) if origin != "null" && allowed.iter().any(|one| origin == one.as_str()) => {
                Self::Allowed(origin.clone())
            }
            Some(origin) if origin != "null" && site == Some(b"same-origin") => Self::Same,
            Some(_) => Self::Foreign,
            None if matches!(site, None | Some(b"same-origin" | b"none")) => Self::Same,
            None => Self::Foreign,
        }
    }

    /// Adds what the page's browser wants to read before it lets the page have the response.
    pub(crate) fn allow<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Self::Allowed(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
    }

    /// The answer to a preflight, which carries no credentials and is asked for none.
    pub(crate) fn preflight<B: Default>(&self, request: &HeaderMap, methods: &[Method]) -> Response<B> {
        let mut response = Response::new(B::default());
        if *self == Self::Foreign {
            *response.status_mut() = StatusCode::FORBIDDEN;
        } else {
            *response.status_mut() = StatusCode::NO_CONTENT;
            let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
            let headers = response.headers_mut();
            if let Ok(methods) = methods.join(", ").parse() {
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            // The origin is one of ours, and may send the headers it needs: those it has now, and those with
            // which it comes back, for which it then need not ask again.
            let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).map(HeaderValue::as_bytes);
            let names = [wanted.unwrap_or_default(), RESUMING.as_bytes()];
            let names =
                names.into_iter().filter(|names| !names.is_empty()).collect::<Vec<_>>().join(&b", "[..]);
            if let Ok(names) = HeaderValue::from_bytes(&names) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
            }
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
        }
        self.allow(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_list_and_the_fetch_metadata_decide() {
        let allowed = ["https://app.example".to_owned(), "null".to_owned()];
        let judge = |origin: Option<&str>, site: Option<&str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().expect("a header value"));
                }
            }
            Origin::of(&headers, &allowed)
        };
        let app = Origin::Allowed(HeaderValue::from_static("https://app.example"));
        for (origin, site, expected) in [
            (None, None, Origin::Same),
            (None, Some("same-origin"), Origin::Same),
            (None, Some("none"), Origin::Same),
            (None, Some("cross-site"), Origin::Foreign),
            (None, Some("same-site"), Origin::Foreign),
            (Some("https://app.example"), Some("cross-site"), app),
            (Some("https://app.example:444"), None, Origin::Foreign),
            (Some("https://app.example.evil"), None, Origin::Foreign),
            (Some("http://own.example"), Some("same-origin"), Origin::Same),
            (Some("null"), Some("cross-site"), Origin::Foreign),
        ] {
            assert_eq!(judge(origin, site), expected, "{origin:?} {site:?}");
        }
    }
}
