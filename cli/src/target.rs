//! Which stream, as whom, by which way: what `listen` and `probe` have in common.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use protocol::RawEvent;
use tidings_client::{Client, ClientBuilder, ConnectError};

use crate::exit::Failure;

/// How long an answer without a body may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// A stream and its reader.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The stream, as in http://127.0.0.1:4000/sse
    pub(crate) url: String,
    /// Read as this user, sent as x-user, from a server that runs with --insecure-anyone.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Send this cookie, as in session=abc
    #[arg(long, value_name = "NAME=VALUE", env = "TIDINGS_COOKIE", hide_env_values = true)]
    pub(crate) cookie: Option<String>,
    /// Send this token, as in Authorization: Bearer TOKEN
    #[arg(long, value_name = "TOKEN", env = "TIDINGS_BEARER", hide_env_values = true)]
    pub(crate) bearer: Option<String>,
    #[command(flatten)]
    pub(crate) way: Way,
}

/// How a server is reached.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Go through this proxy instead of HTTPS_PROXY and HTTP_PROXY, as in http://proxy:3128
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Trust the certificates in this PEM file too.
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
}

impl Target {
    /// A client of it.
    pub(crate) fn client(&self) -> Result<ClientBuilder<RawEvent>, Failure> {
        let mut builder = self.way.apply(Client::builder(&self.url))?;
        if let Some(user) = &self.user {
            builder = builder.header("x-user", user);
        }
        if let Some(cookie) = &self.cookie {
            builder = builder.cookie(cookie);
        }
        if let Some(bearer) = &self.bearer {
            builder = builder.bearer(bearer);
        }
        Ok(builder)
    }
}

impl Target {
    /// Whether the server answers a question about the stream, whose own beginning may still not come: there is nothing
    /// to hold back of an answer without a body.
    pub(crate) async fn answers_at_once(&self) -> bool {
        let asked = async {
            let http = self.client().ok()?.http_client().ok()?;
            let mut request = http.head(&self.url);
            for (name, value) in [("x-user", &self.user), ("cookie", &self.cookie)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            if let Some(bearer) = &self.bearer {
                request = request.bearer_auth(bearer);
            }
            let response = request.send().await.ok()?;
            let content_type = response.headers().get("content-type")?.to_str().ok()?;
            (response.status().is_success() && content_type.starts_with("text/event-stream")).then_some(())
        };
        matches!(tokio::time::timeout(ANSWERS_WITHIN, asked).await, Ok(Some(())))
    }
}

impl Way {
    pub(crate) fn apply(&self, builder: ClientBuilder<RawEvent>) -> Result<ClientBuilder<RawEvent>, Failure> {
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        Ok(match &self.root_certificate {
            Some(file) => {
                let pem = std::fs::read(file).map_err(|error| {
                    Failure::Usage(format!("--root-certificate {}: {error}", file.display()))
                })?;
                builder.root_certificate(pem)
            }
            None => builder,
        })
    }
}

/// What a client cannot be made of is a matter of how it was asked for.
impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::Usage(error.to_string())
    }
}
