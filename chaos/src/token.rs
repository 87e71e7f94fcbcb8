//! What the server's readers and publishers show: JSON Web Tokens signed with HS256, and a key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// Known to the servers of a run, which nobody else reaches.
pub(crate) const JWT_SECRET: &str = "the servers of a run are known to nobody else";

/// What publishers show.
pub(crate) const PUBLISH_KEY: &str = "the publishers of a run";

/// Later than any run ends: 2100-01-01, in seconds since 1970.
const EXPIRES: u64 = 4_102_444_800;

/// The token of a user in `groups`.
pub(crate) fn sign(user: &str, groups: &[String]) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({ "sub": user, "exp": EXPIRES, "groups": groups });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let mut mac =
        Hmac::<Sha256>::new_from_slice(JWT_SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
