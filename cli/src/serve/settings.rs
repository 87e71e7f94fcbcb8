//! The settings of a server, each from the flag, the environment, the file, or its default.

use std::{fmt, net::SocketAddr, path::Path, path::PathBuf};

use protocol::Limits;
use tidings_server::Config;

use super::{Serve, readers::Readers};
use crate::{duration, exit::Failure, store, store::StoreUrl};

/// HMAC with SHA-256 takes a key of its own length (RFC 7518, 3.2).
const JWT_SECRET_BYTES_MIN: usize = 32;
/// 128 bits.
const PUBLISH_KEY_BYTES_MIN: usize = 16;
/// A batch may be of this many of the largest events.
const EVENTS_PER_BODY: usize = 8;

/// Every name that a file may hold; the environment has them in capitals behind `TIDINGS_`.
const NAMES: [&str; 17] = [
    "listen",
    "path",
    "store",
    "jwt_secret",
    "jwt_secret_file",
    "jwt_audience",
    "publish_key",
    "publish_key_file",
    "insecure_anyone",
    "origins",
    "proxies",
    "heartbeat",
    "keep_for",
    "keep_events",
    "keep_bytes",
    "max_event_bytes",
    "connections_per_user",
];

/// What a server is told, read and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) path: String,
    pub(crate) store: StoreUrl,
    pub(crate) readers: Readers,
    /// `None` lets anyone publish.
    pub(crate) publish_key: Option<String>,
    pub(crate) max_body_bytes: usize,
    pub(crate) log: String,
    pub(crate) hub: Config,
}

/// A setting and where it came from.
#[derive(Debug)]
struct Found {
    text: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Flag(&'static str),
    Environment(String),
    File(&'static str, PathBuf),
    Default(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{}", name.replace('_', "-")),
            Self::Environment(name) => f.write_str(name),
            Self::File(name, path) => write!(f, "{name} in {}", path.display()),
            Self::Default(name) => write!(f, "the default of {name}"),
        }
    }
}

impl Found {
    fn wrong(&self, reason: impl fmt::Display) -> Failure {
        Failure::Usage(format!("{}: {:?}: {reason}", self.place, self.text))
    }

    /// The same without its text.
    fn wrong_secret(&self, reason: impl fmt::Display) -> Failure {
        Failure::Usage(format!("{}: {reason}", self.place))
    }

    fn parse<T>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
        parse(&self.text).map_err(|reason| self.wrong(reason))
    }
}

/// Where settings are looked for.
struct Sources<'a, E> {
    flags: &'a Serve,
    environment: E,
    file: Option<(PathBuf, toml::Table)>,
}

impl Settings {
    /// Reads them; `environment` looks a variable up.
    pub(crate) fn read(flags: &Serve, environment: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let file = match flags.config.clone().or_else(|| environment("TIDINGS_CONFIG").map(PathBuf::from)) {
            Some(path) => Some((path.clone(), read_file(&path)?)),
            None => None,
        };
        let sources = Sources { flags, environment, file };
        let max_event_bytes = sources.find("max_event_bytes", "1048576")?.parse(whole)?;
        let publish_key = sources.secret("publish_key", "publish_key_file", PUBLISH_KEY_BYTES_MIN)?;
        let readers = sources.readers()?;
        if publish_key.is_none() && !readers.believes_anyone() {
            return Err(Failure::Usage(
                "publish_key is not set, so nobody could publish: set TIDINGS_PUBLISH_KEY or publish_key_file"
                    .to_owned(),
            ));
        }
        Ok(Self {
            listen: sources.find("listen", "127.0.0.1:4000")?.parse(|text| {
                text.parse().map_err(|_| "it is no address with a port, as in 127.0.0.1:4000".to_owned())
            })?,
            path: sources.find("path", "/sse")?.parse(path)?,
            store: sources.find("store", store::DEFAULT)?.parse(str::parse)?,
            readers,
            publish_key,
            max_body_bytes: max_event_bytes.saturating_mul(EVENTS_PER_BODY),
            log: sources.find("log", "info")?.text,
            hub: sources.hub(max_event_bytes)?,
        })
    }
}

impl<E: Fn(&str) -> Option<String>> Sources<'_, E> {
    fn find(&self, name: &'static str, default: &str) -> Result<Found, Failure> {
        let found = self.look_up(name)?;
        Ok(found.unwrap_or_else(|| Found { text: default.to_owned(), place: Place::Default(name) }))
    }

    fn look_up(&self, name: &'static str) -> Result<Option<Found>, Failure> {
        if let Some(text) = self.flag(name) {
            return Ok(Some(Found { text, place: Place::Flag(name) }));
        }
        let variable = format!("TIDINGS_{}", name.to_ascii_uppercase());
        if let Some(text) = (self.environment)(&variable) {
            return Ok(Some(Found { text, place: Place::Environment(variable) }));
        }
        let Some((path, table)) = &self.file else { return Ok(None) };
        let Some(value) = table.get(name) else { return Ok(None) };
        let place = Place::File(name, path.clone());
        match text_of(value) {
            Some(text) => Ok(Some(Found { text, place })),
            None => {
                Err(Failure::Usage(format!("{place}: it is no text, number, yes or no, or list of texts")))
            }
        }
    }

    fn flag(&self, name: &str) -> Option<String> {
        let flags = self.flags;
        match name {
            "listen" => flags.listen.clone(),
            "path" => flags.path.clone(),
            "store" => flags.store.clone(),
            "jwt_secret_file" => flags.jwt_secret_file.clone(),
            "jwt_audience" => flags.jwt_audience.clone(),
            "publish_key_file" => flags.publish_key_file.clone(),
            "insecure_anyone" => flags.insecure_anyone.then(|| "true".to_owned()),
            "origins" => flags.origins.clone(),
            "proxies" => flags.proxies.clone(),
            "heartbeat" => flags.heartbeat.clone(),
            "keep_for" => flags.keep_for.clone(),
            "keep_events" => flags.keep_events.clone(),
            "keep_bytes" => flags.keep_bytes.clone(),
            "max_event_bytes" => flags.max_event_bytes.clone(),
            "connections_per_user" => flags.connections_per_user.clone(),
            "log" => flags.log.clone(),
            _ => None,
        }
    }

    /// A secret that is set itself or lies in a file; the end of the file's line is not part of it.
    fn secret(&self, name: &'static str, file: &'static str, min: usize) -> Result<Option<String>, Failure> {
        let found = match (self.look_up(name)?, self.look_up(file)?) {
            (Some(one), Some(other)) => {
                return Err(Failure::Usage(format!("{} and {} are both set", one.place, other.place)));
            }
            (Some(found), None) => found,
            (None, Some(file)) => {
                let text = std::fs::read_to_string(&file.text).map_err(|error| file.wrong(error))?;
                Found { text: text.trim_end_matches(['\r', '\n']).to_owned(), place: file.place }
            }
            (None, None) => return Ok(None),
        };
        if found.text.len() < min {
            return Err(found.wrong_secret(format!(
                "a secret of {} bytes can be guessed: at least {min} are needed, as of openssl rand -hex 32",
                found.text.len()
            )));
        }
        Ok(Some(found.text))
    }

    fn readers(&self) -> Result<Readers, Failure> {
        let anyone = self.find("insecure_anyone", "false")?;
        let audience = self.look_up("jwt_audience")?.map(|found| found.text);
        let secret = self.secret("jwt_secret", "jwt_secret_file", JWT_SECRET_BYTES_MIN)?;
        match (secret, anyone.parse(yes_or_no)?) {
            (Some(_), true) => Err(anyone.wrong_secret("jwt_secret is set too: one of them says who may read")),
            (Some(secret), false) => Ok(Readers::tokens(&secret, audience.as_deref())),
            (None, true) => Ok(Readers::Anyone),
            (None, false) => Err(Failure::Usage(
                "jwt_secret is not set, so nobody could read: set TIDINGS_JWT_SECRET or jwt_secret_file, or, for a \
                 trial on your own machine, --insecure-anyone"
                    .to_owned(),
            )),
        }
    }

    fn hub(&self, max_event_bytes: usize) -> Result<Config, Failure> {
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let proxies = self.find("proxies", "")?.parse(|text| {
            let address = |part: &String| part.parse().map_err(|_| format!("{part} is no IP address"));
            list(text).iter().map(address).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Config {
            heartbeat: self.find("heartbeat", "15s")?.parse(some_time)?,
            history: Limits {
                age: self.find("keep_for", "10m")?.parse(some_time)?,
                count: self.find("keep_events", "100000")?.parse(whole)?,
                bytes: self.find("keep_bytes", "67108864")?.parse(whole)?,
            },
            max_event_bytes,
            connections_per_user: self.find("connections_per_user", "16")?.parse(whole)?,
            origins: list(&self.find("origins", "")?.text),
            proxies,
            ..Config::default()
        })
    }
}

fn read_file(path: &Path) -> Result<toml::Table, Failure> {
    let wrong = |reason: String| Failure::Usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    match table.keys().find(|name| !NAMES.contains(&name.as_str()) && *name != "log") {
        Some(name) => Err(wrong(format!("{name} is no setting; there are {}, log", NAMES.join(", ")))),
        None => Ok(table),
    }
}

/// A value of the file as the other places would say it.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(list) => list
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|list| list.join(",")),
        _ => None,
    }
}

fn whole(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is no whole number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn some_time(text: &str) -> Result<std::time::Duration, String> {
    let time = duration::parse(text)?;
    if time.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(time) }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" | "" => Ok(false),
        _ => Err("it is neither true nor false".to_owned()),
    }
}

/// A path that the router takes and that nothing else has.
fn path(text: &str) -> Result<String, String> {
    let segments_are_plain = text.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|segment| {
            !segment.is_empty()
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
        })
    });
    if !segments_are_plain {
        return Err("it is no path of plain names, as in /sse".to_owned());
    }
    if ["/publish", "/healthz", "/readyz", "/metrics"].contains(&text) {
        return Err("something else has this path".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        serve: Serve,
    }

    const JWT_SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn read(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, String> {
        let flags = Flags::parse_from(std::iter::once(&"serve").chain(flags)).serve;
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        Settings::read(&flags, variable).map_err(|failure| failure.to_string())
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tidings-settings-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        path
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let path = file(
            "wins",
            "listen = \"127.0.0.1:1\"\nheartbeat = \"1s\"\nkeep_events = 7\norigins = [\"a\", \"b\"]\n",
        );
        let config = path.to_string_lossy().into_owned();
        let settings = read(
            &["--insecure-anyone", "--listen", "127.0.0.1:3", "--config", &config],
            &[("TIDINGS_LISTEN", "127.0.0.1:2"), ("TIDINGS_HEARTBEAT", "2s")],
        )
        .expect("settings");
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.hub.heartbeat.as_secs(), 2);
        assert_eq!(settings.hub.history.count, 7);
        assert_eq!(settings.hub.origins, ["a", "b"]);
        assert_eq!(settings.path, "/sse");
        std::fs::remove_file(path).expect("it was written");
    }

    #[test]
    fn what_is_wrong_is_named_by_where_it_came_from() {
        let path = file("named", "store = \"nowhere\"\n");
        let config = path.to_string_lossy().into_owned();
        let unknown = file("unknown", "stoer = \"memory:\"\n");
        let unknown_config = unknown.to_string_lossy().into_owned();
        for (flags, environment, named) in [
            (vec!["--insecure-anyone", "--listen", "here"], vec![], "--listen: \"here\":".to_owned()),
            (
                vec!["--insecure-anyone"],
                vec![("TIDINGS_HEARTBEAT", "soon")],
                "TIDINGS_HEARTBEAT: \"soon\":".to_owned(),
            ),
            (
                vec!["--insecure-anyone", "--config", &config],
                vec![],
                format!("store in {config}: \"nowhere\":"),
            ),
            (
                vec!["--insecure-anyone", "--config", &unknown_config],
                vec![],
                format!("{unknown_config}: stoer is no setting"),
            ),
            (vec!["--insecure-anyone", "--path", "/metrics"], vec![], "--path: \"/metrics\":".to_owned()),
            (vec![], vec![], "jwt_secret is not set".to_owned()),
            (
                vec![],
                vec![("TIDINGS_JWT_SECRET", "short")],
                "TIDINGS_JWT_SECRET: a secret of 5 bytes".to_owned(),
            ),
            (vec![], vec![("TIDINGS_JWT_SECRET", JWT_SECRET)], "publish_key is not set".to_owned()),
            (
                vec!["--insecure-anyone"],
                vec![("TIDINGS_JWT_SECRET", JWT_SECRET)],
                "--insecure-anyone: jwt_secret".to_owned(),
            ),
        ] {
            let error = read(&flags, &environment).expect_err("refused");
            assert!(error.starts_with(&named), "{error:?} does not begin with {named:?}");
            assert!(!error.contains(JWT_SECRET), "{error}");
        }
        for path in [path, unknown] {
            std::fs::remove_file(path).expect("it was written");
        }
    }

    #[test]
    fn a_secret_may_lie_in_a_file() {
        let path = file("secret", &format!("{JWT_SECRET}\n"));
        let name = path.to_string_lossy().into_owned();
        let publish_key = ("TIDINGS_PUBLISH_KEY", "0123456789abcdef");
        read(&["--jwt-secret-file", &name], &[publish_key]).expect("settings");
        let both = read(&["--jwt-secret-file", &name], &[publish_key, ("TIDINGS_JWT_SECRET", JWT_SECRET)]);
        assert!(both.expect_err("refused").contains("are both set"));
        std::fs::remove_file(path).expect("it was written");
    }
}
