//! Where the primary is that has the log: told, or asked for at each connection.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    Value, aio::MultiplexedConnection, cmd, from_redis_value,
};

use super::failure::Failure;
use crate::store::StoreError;

const SHAPES: &str = "redis://host:6379, redis+unix:///path, redis+sentinel://host:26379,host/?master=name or \
    redis+cluster://host:6379,host";

/// A server, or who knows where it is.
#[derive(Debug, Clone)]
pub(super) enum Address {
    Server(Box<ConnectionInfo>),
    Sentinels {
        /// As whom the primary is spoken to; its address is another one.
        base: Box<ConnectionInfo>,
        sentinels: Vec<ConnectionAddr>,
        master: String,
        /// The sentinels' own, where they ask for one.
        password: Option<String>,
    },
    Cluster {
        base: Box<ConnectionInfo>,
        seeds: Vec<ConnectionAddr>,
    },
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("there is no scheme"))?;
        let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(kind, "sentinel" | "cluster") {
            return Ok(Self::Server(Box::new(info(url)?)));
        }
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before.split_once('/').unwrap_or((before, ""));
        let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
        let at = if user.is_empty() { "" } else { "@" };
        let addresses = hosts.split(',').map(|host| {
            let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let port = if has_port || kind == "cluster" { "" } else { ":26379" };
            Ok(info(&format!("{scheme}://{host}{port}"))?.addr().clone())
        });
        let addresses = addresses.collect::<Result<Vec<_>, StoreError>>()?;
        let base = Box::new(info(&format!("{scheme}://{user}{at}placeholder/{path}"))?);
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if kind == "cluster" {
            return Ok(Self::Cluster { base, seeds: addresses });
        }
        let master = value("master").ok_or_else(|| refused("it does not say ?master=NAME"))?;
        Ok(Self::Sentinels { base, sentinels: addresses, master, password: value("sentinel_password") })
    }

    /// How the primary is reached right now that has `key`.
    pub(super) async fn resolve(
        &self,
        key: &str,
        config: &AsyncConnectionConfig,
    ) -> Result<ConnectionInfo, Failure> {
        let (base, ask) = match self {
            Self::Server(info) => return Ok((**info).clone()),
            Self::Sentinels { base, sentinels, .. } => (base, sentinels),
            Self::Cluster { base, seeds } => (base, seeds),
        };
        let mut last = None;
        for address in ask {
            match self.ask(base, address, key, config).await {
                Ok(Some((host, port))) => {
                    return Ok((**base).clone().set_addr(like(base.addr(), host, port)));
                }
                Ok(None) => last = Some("it knows of no primary".to_owned()),
                Err(error) => last = Some(error.to_string()),
            }
        }
        let who = if matches!(self, Self::Cluster { .. }) { "node" } else { "sentinel" };
        let last = last.unwrap_or_default();
        Err(Failure::unreachable(format!("no {who} could say where the primary is; the last one: {last}")))
    }

    async fn ask(
        &self,
        base: &ConnectionInfo,
        address: &ConnectionAddr,
        key: &str,
        config: &AsyncConnectionConfig,
    ) -> redis::RedisResult<Option<(String, u16)>> {
        let info = base.clone().set_addr(address.clone());
        match self {
            Self::Server(_) => Ok(None),
            Self::Sentinels { master, password, .. } => {
                let mut settings = redis::RedisConnectionInfo::default();
                if let Some(password) = password {
                    settings = settings.set_password(password);
                }
                let mut connection = connect(info.set_redis_settings(settings), config).await?;
                let mut ask = cmd("SENTINEL");
                ask.arg("GET-MASTER-ADDR-BY-NAME").arg(master).query_async(&mut connection).await
            }
            Self::Cluster { .. } => {
                let mut connection = connect(info, config).await?;
                let slot: u16 = cmd("CLUSTER").arg("KEYSLOT").arg(key).query_async(&mut connection).await?;
                let ranges: Vec<Vec<Value>> =
                    cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
                let found = ranges.into_iter().find_map(|range| primary(slot, range));
                // A node that does not know its own name is called as it was.
                Ok(found.map(|(host, port)| match address {
                    ConnectionAddr::Tcp(asked, _) | ConnectionAddr::TcpTls { host: asked, .. }
                        if host.is_empty() =>
                    {
                        (asked.clone(), port)
                    }
                    _ => (host, port),
                }))
            }
        }
    }
}

/// The primary of a range of `CLUSTER SLOTS`, if the slot is in it.
fn primary(slot: u16, range: Vec<Value>) -> Option<(String, u16)> {
    let mut range = range.into_iter();
    let first: u16 = from_redis_value(range.next()?).ok()?;
    let last: u16 = from_redis_value(range.next()?).ok()?;
    let node: Vec<Value> = from_redis_value(range.next()?).ok()?;
    let mut node = node.into_iter();
    let host: Option<String> = from_redis_value(node.next()?).ok()?;
    let port: u16 = from_redis_value(node.next()?).ok()?;
    (first..=last).contains(&slot).then(|| (host.unwrap_or_default(), port))
}

async fn connect(
    info: ConnectionInfo,
    config: &AsyncConnectionConfig,
) -> redis::RedisResult<MultiplexedConnection> {
    Client::open(info)?.get_multiplexed_async_connection_with_config(config).await
}

/// Another host, reached in the same way.
fn like(known: &ConnectionAddr, host: String, port: u16) -> ConnectionAddr {
    match known {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}

fn info(url: &str) -> Result<ConnectionInfo, StoreError> {
    let info = url.into_connection_info().map_err(refused)?;
    if !info.addr().is_supported() {
        return Err(refused("this was built without TLS: enable the feature redis-tls"));
    }
    // Wake-ups come over the connection that everything else is asked on.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

fn refused(reason: impl std::fmt::Display) -> StoreError {
    // Not the URL itself, which may hold a password.
    StoreError::Foreign(format!("no Redis URL: {reason}; it looks like {SHAPES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16) -> ConnectionAddr {
        ConnectionAddr::Tcp(host.to_owned(), port)
    }

    #[test]
    fn every_shape_of_an_address_is_read() {
        let Ok(Address::Server(info)) = Address::parse("redis://app:s%40cret@db:7000/2") else {
            panic!("a server")
        };
        assert_eq!(info.addr(), &address("db", 7000));
        let settings = info.redis_settings();
        assert_eq!(
            (settings.username(), settings.password(), settings.db()),
            (Some("app"), Some("s@cret"), 2)
        );

        let url = "redis+sentinel://:secret@a,b:1/3?master=mine&sentinel_password=p%20w";
        let Ok(Address::Sentinels { base, sentinels, master, password }) = Address::parse(url) else {
            panic!("sentinels")
        };
        assert_eq!(sentinels, [address("a", 26379), address("b", 1)]);
        assert_eq!((master.as_str(), password.as_deref()), ("mine", Some("p w")));
        assert_eq!((base.redis_settings().password(), base.redis_settings().db()), (Some("secret"), 3));

        let Ok(Address::Cluster { seeds, .. }) = Address::parse("redis+cluster://a,[::1]:7") else {
            panic!("a cluster")
        };
        assert_eq!(seeds, [address("a", 6379), address("::1", 7)]);
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for url in
            ["localhost", "http://s3cret@host", "redis+sentinel://s3cret@host", "redis://s3cret@host:x"]
        {
            let Err(StoreError::Foreign(said)) = Address::parse(url) else { panic!("{url} is no address") };
            assert!(said.contains("redis+sentinel://") && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn the_primary_of_a_slot_is_read_from_its_range() {
        let node =
            |host: Value| Value::Array(vec![host, Value::Int(7000), Value::SimpleString("id".to_owned())]);
        let range = |host| vec![Value::Int(0), Value::Int(99), node(host)];
        let named = || range(Value::BulkString(b"a".to_vec()));
        assert_eq!(primary(99, named()), Some(("a".to_owned(), 7000)));
        assert_eq!(primary(100, named()), None);
        assert_eq!(primary(5, range(Value::Nil)), Some((String::new(), 7000)), "it does not know its name");
    }
}
