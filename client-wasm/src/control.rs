//! Control events read with the engine's own `JSON.parse`, so that no second JSON parser is downloaded.

use js_sys::JSON;
use protocol::{
    Control, ControlError,
    control::{GAP, GOODBYE, HEARTBEAT, HELLO},
};
use serde::de::DeserializeOwned;

use crate::{error::message_of, value::Value};

/// [`protocol::control::ParseControl`] of the browser.
pub(crate) fn parse(name: &str, data: &str) -> Result<Control, ControlError> {
    Ok(match name {
        HELLO => Control::Hello(read(name, data)?),
        HEARTBEAT => Control::Heartbeat(read(name, data)?),
        GAP => Control::Gap(read(name, data)?),
        GOODBYE => Control::Goodbye(read(name, data)?),
        _ => Control::Unknown,
    })
}

fn read<T: DeserializeOwned>(name: &str, data: &str) -> Result<T, ControlError> {
    let malformed = |reason| ControlError { name: name.to_owned(), reason };
    let value = JSON::parse(data).map_err(|error| malformed(message_of(&error)))?;
    T::deserialize(Value(value)).map_err(|mismatch| malformed(mismatch.to_string()))
}
