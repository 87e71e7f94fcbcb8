//! Who may read: whoever shows a token, or anyone in a trial.

use std::{fmt, sync::Arc, time::Duration, time::SystemTime};

use axum::http::{HeaderMap, header, request::Parts};
use hmac::{Hmac, Mac};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    crypto::{CryptoProvider, JwkUtils, JwtVerifier},
    errors::{Error, ErrorKind},
};
use protocol::Channel;
use serde::Deserialize;
use sha2::Sha256;
use tidings_server::{Authorize, Identity, Refusal};

/// The cookie that carries a token where a page's `EventSource` can send no header.
const COOKIE: &str = "tidings_token";

/// Says who a request comes from.
#[derive(Clone)]
pub(crate) enum Readers {
    /// Whoever shows a token that is signed with the key.
    Tokens(Arc<(DecodingKey, Validation)>),
    /// Whoever the request says, for trials.
    Anyone,
}

/// What a token says.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    iat: Option<u64>,
    jti: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
}

impl Readers {
    /// Those with a token signed with `secret`, made for `audience` where there is one.
    pub(crate) fn tokens(secret: &str, audience: Option<&str>) -> Self {
        // Somebody else's provider would do as well.
        let _ = HS256.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        }
        Self::Tokens(Arc::new((DecodingKey::from_secret(secret.as_bytes()), validation)))
    }

    pub(crate) const fn believes_anyone(&self) -> bool {
        matches!(self, Self::Anyone)
    }

    fn identify(&self, request: &Parts) -> Result<Identity, Refusal> {
        match self {
            Self::Tokens(rules) => {
                let token = bearer(&request.headers).or_else(|| cookie(&request.headers));
                let (key, validation) = &**rules;
                let decoded =
                    jsonwebtoken::decode::<Claims>(token.ok_or(Refusal::Unauthorized)?, key, validation);
                let claims = decoded.map_err(|_| Refusal::Unauthorized)?.claims;
                identity(claims).ok_or(Refusal::Unauthorized)
            }
            Self::Anyone => {
                let query = form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes());
                let named = query.into_owned().find(|(name, _)| name == "user").map(|(_, user)| user);
                let header =
                    || request.headers.get("x-user").and_then(|user| user.to_str().ok()).map(str::to_owned);
                let user = named.or_else(header).filter(|user| Channel::user(user).is_ok());
                user.map(Identity::user).ok_or(Refusal::Unauthorized)
            }
        }
    }
}

impl Authorize for Readers {
    async fn authorize(&self, request: Arc<Parts>) -> Result<Identity, Refusal> {
        self.identify(&request)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.believes_anyone() { "Anyone" } else { "Tokens" })
    }
}

/// `None` for names that cannot be addressed.
fn identity(claims: Claims) -> Option<Identity> {
    Channel::user(&claims.sub).ok()?;
    let login = claims.jti.filter(|login| Channel::login(login).is_ok());
    let groups: Vec<_> = claims.groups.into_iter().filter(|group| Channel::group(group).is_ok()).collect();
    let mut identity = Identity::user(claims.sub).groups(groups).expires_at(time(claims.exp)?);
    if let Some(login) = login {
        identity = identity.login(login);
    }
    if let Some(at) = claims.iat.and_then(time) {
        identity = identity.issued_at(at);
    }
    Some(identity)
}

fn time(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// What follows `Bearer` in a request's credentials.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| match pair.trim().split_once('=') {
        Some((COOKIE, token)) => Some(token),
        _ => None,
    })
}

/// The one algorithm that is taken. The provider that comes with jsonwebtoken brings RSA and three curves along.
static HS256: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(Error::from(ErrorKind::InvalidAlgorithm)),
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Verifier(key.try_get_hmac_secret()?.to_vec()))),
        _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
    },
    jwk_utils: JwkUtils::new_unimplemented(),
};

struct Verifier(Vec<u8>);

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| signature::Error::new())?;
        mac.update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
