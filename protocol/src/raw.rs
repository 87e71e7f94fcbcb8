//! An event of any contract, for tools that know none: its name, and its payload as JSON.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{Contract, NoApplicationError};

/// An event as `{"type":…,"data":…}`, whatever its name. The payload is kept to the letter but for the white
/// space between its tokens: a CR there could not be framed, and an idempotency key would tell two layouts apart.
///
/// # Example
/// ```
/// use protocol::{Contract, RawEvent};
/// let event: RawEvent = serde_json::from_str(r#"{"type":"order_shipped","data":{"order":12345678901234567890}}"#)?;
/// assert_eq!((event.name(), event.data()), ("order_shipped", r#"{"order":12345678901234567890}"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RawEvent {
    #[serde(rename = "type")]
    name: String,
    #[serde(deserialize_with = "compact")]
    data: Box<RawValue>,
}

impl RawEvent {
    /// The event `name` with the payload `data`.
    ///
    /// # Errors
    /// When `data` is not one JSON value.
    pub fn new(name: impl Into<String>, data: impl Into<String>) -> Result<Self, serde_json::Error> {
        let data = RawValue::from_string(data.into())?;
        Ok(Self { name: name.into(), data: RawValue::from_string(without_space(data.get()))? })
    }

    /// The payload's JSON.
    pub fn data(&self) -> &str {
        self.data.get()
    }

    /// The payload as a value that serialises to the letter.
    pub const fn raw_data(&self) -> &RawValue {
        &self.data
    }
}

impl PartialEq for RawEvent {
    /// Whether both are written alike; `1` and `1.0` are not.
    fn eq(&self, other: &Self) -> bool {
        (self.name.as_str(), self.data()) == (other.name.as_str(), other.data())
    }
}

impl Contract for RawEvent {
    const REVISION: u32 = 0;
    const HASH: &'static str = "";
    const NAMES: &'static [&'static str] = &[];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn knows(_: &str) -> bool {
        true
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

fn compact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<RawValue>, D::Error> {
    let data = Box::<RawValue>::deserialize(deserializer)?;
    RawValue::from_string(without_space(data.get())).map_err(serde::de::Error::custom)
}

/// Valid JSON without the white space between its tokens.
fn without_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |char: &char| {
        if in_string {
            in_string = escaped || *char != '"';
            escaped = !escaped && *char == '\\';
            return true;
        }
        in_string = *char == '"';
        !matches!(char, ' ' | '\t' | '\n' | '\r')
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, Meta};

    #[test]
    fn a_payload_is_kept_to_the_letter_but_for_space_between_tokens() {
        for (read, kept) in [
            (
                "{ \"b\" : 1.0,\r\n\t\"a\":[1e400 , 18446744073709551617]}",
                r#"{"b":1.0,"a":[1e400,18446744073709551617]}"#,
            ),
            (r#" "a \" b \\" "#, r#""a \" b \\""#),
            ("null", "null"),
        ] {
            let event: RawEvent =
                serde_json::from_str(&format!(r#"{{"type":"x","data":{read}}}"#)).expect("JSON");
            assert_eq!(event.data(), kept);
            assert_eq!(RawEvent::new("x", read).expect("JSON"), event);
            let json = Envelope::write(&event, &Meta::default()).expect("tagged");
            assert_eq!(Envelope::<RawEvent>::read(&json).expect("as written").event, event);
        }
        assert!(serde_json::from_str::<RawEvent>(r#"{"type":"x"}"#).is_err(), "an event has a payload");
        assert!(RawEvent::new("x", "1 2").is_err(), "one value");
    }
}
