//! `tidings publish`: one event to a `tidings serve`.

use std::io::Read;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use tidings_client::Client;

use crate::{
    exit::{Failure, block_on},
    output::{self, FAINT, GOOD, Reader, styled},
    serve::publishing::{Audience, Draft, Sent},
    target::Way,
};

/// Publish one event through the POST /publish of a tidings serve.
///
/// Prints {"id","duplicate"}: the event's place in the order, once it is
/// committed.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 the event is committed; 1 the server refused it; 2 wrong usage, or nobody answered.\n\n\
                  Example: tidings publish http://127.0.0.1:4000/publish --everyone order_shipped '{\"order\":7}'"
)]
pub(crate) struct Publish {
    /// Where to publish, as in http://127.0.0.1:4000/publish
    url: String,
    /// The event's name.
    #[arg(value_name = "TYPE")]
    name: String,
    /// The payload as JSON; - reads it from stdin.
    #[arg(default_value = "{}")]
    data: String,
    /// For this user; may be given several times.
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<String>,
    /// For this group; may be given several times.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// For everyone who is connected.
    #[arg(long)]
    everyone: bool,
    /// Send it once per key and five minutes, however often this is run.
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    /// The server's publish key.
    #[arg(long, value_name = "KEY", env = "TIDINGS_PUBLISH_KEY", hide_env_values = true)]
    key: Option<String>,
    #[command(flatten)]
    way: Way,
    /// Print a JSON line, also on a terminal.
    #[arg(long)]
    json: bool,
}

impl Publish {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let data = if self.data == "-" { read_stdin()? } else { self.data };
        let data = RawValue::from_string(data)
            .map_err(|error| Failure::Usage(format!("the payload is no JSON: {error}")))?;
        let audience = Audience { users: self.users, groups: self.groups, everyone: self.everyone };
        if audience.is_nobody() {
            return Err(Failure::Usage("for whom? --user, --group or --everyone".to_owned()));
        }
        let draft = Draft { name: self.name, data, audience, key: self.once };
        let http = self.way.apply(Client::builder(&self.url))?.http_client()?;
        let sent = block_on(async {
            let door = Door { http, url: self.url, key: self.key };
            door.publish(&draft).await.map_err(Failure::from)
        })?;
        match Reader::of_stdout(self.json) {
            Reader::Program => output::json_line(&sent)?,
            Reader::Person => {
                let again = if sent.duplicate { "had been sent as" } else { "committed as" };
                output::line(&format!("{} {}", styled(GOOD, again), styled(FAINT, sent.id)))?;
            }
        }
        Ok(())
    }
}

/// The `POST /publish` of a server.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) http: tidings_client::HttpClient,
    pub(crate) url: String,
    pub(crate) key: Option<String>,
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// Nobody answered.
    #[error("nobody answered at {url}: {reason}")]
    Unreachable { url: String, reason: String },
    /// The server said no.
    #[error("the server refused the event with {status}: {reason}")]
    Refused { status: u16, reason: String },
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Unreachable { .. } => Self::Usage(error.to_string()),
            PublishError::Refused { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl Door {
    pub(crate) async fn publish(&self, draft: &impl Serialize) -> Result<Sent, PublishError> {
        let unreachable = |reason: String| PublishError::Unreachable { url: self.url.clone(), reason };
        let body = serde_json::to_vec(draft).map_err(|error| unreachable(error.to_string()))?;
        let answer = self.post(body).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| unreachable(format!("it is no tidings server: {error}")))
    }

    /// What the server answers to a body that it takes.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<Vec<u8>, PublishError> {
        let unreachable = |reason: String| PublishError::Unreachable { url: self.url.clone(), reason };
        let mut request = self.http.post(&self.url).header("content-type", "application/json").body(body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|error| unreachable(tidings_client::reason_of(error)))?;
        let status = response.status();
        let answer = response.bytes().await.map_err(|error| unreachable(tidings_client::reason_of(error)))?;
        if !status.is_success() {
            let reason = output::shown(&String::from_utf8_lossy(&answer));
            return Err(PublishError::Refused { status: status.as_u16(), reason });
        }
        Ok(answer.into())
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::Failed(format!("stdin cannot be read: {error}")))?;
    Ok(text)
}
