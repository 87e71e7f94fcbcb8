//! Who may read the event stream: whoever has a log-in, asked of the table each time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::request::Parts;
use tidings_server::{Authorize, Identity, Refusal};

use crate::log_in::LogIns;

pub(crate) fn authorize(log_ins: LogIns) -> impl Authorize {
    move |request: Arc<Parts>| {
        let log_ins = log_ins.clone();
        async move {
            let found = log_ins.of_cookie(&request.headers).await.map_err(|error| {
                tracing::error!(%error, "a log-in could not be looked up");
                Refusal::Unavailable
            })?;
            let (log_in, expires_at) = found.ok_or(Refusal::Unauthorized)?;
            Ok(Identity::user(log_in.user.to_string())
                .login(log_in.id.to_string())
                .issued_at(UNIX_EPOCH + Duration::from_millis(log_in.since))
                .expires_at(SystemTime::from(expires_at)))
        }
    }
}
