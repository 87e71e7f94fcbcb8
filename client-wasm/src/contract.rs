//! The check that a handler never receives a value of another shape than the contract says.

use js_sys::JSON;
use protocol::{Contract, Shape, subscriber::Message};
use wasm_bindgen::JsValue;

use crate::{
    error::{Problem, message_of},
    object::field,
    shape,
};

/// What the driver knows of a contract; the generic part is one function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContractCheck {
    names: &'static [&'static str],
    application_error: Option<&'static str>,
    fits: fn(usize, &JsValue) -> Result<(), String>,
}

/// An event, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) kind: Kind,
    /// The payload as the engine parsed it: unknown fields are kept.
    pub(crate) data: JsValue,
    pub(crate) meta: JsValue,
}

/// What the contract says about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Known,
    ApplicationError,
    /// A newer server's.
    Unknown,
}

impl ContractCheck {
    pub(crate) const fn of<C: Contract>() -> Self {
        Self { names: C::NAMES, application_error: C::APPLICATION_ERROR, fits: fits::<C> }
    }

    /// Parses a message and checks it.
    pub(crate) fn read(&self, message: &Message) -> Result<Parsed, Problem> {
        let name = message.name.as_str();
        let value = JSON::parse(&message.data)
            .map_err(|error| Problem::payload("malformed_json", name, &message_of(&error)))?;
        let (data, meta) = (field(&value, "data"), field(&value, "meta"));
        let Some(place) = self.names.iter().position(|known| *known == name) else {
            let data = if data.is_undefined() { value } else { data };
            return Ok(Parsed { kind: Kind::Unknown, data, meta });
        };
        if field(&value, "type").as_string().as_deref() != Some(name) {
            return Err(Problem::payload("payload_mismatch", name, "its type is not the event's name"));
        }
        (self.fits)(place, &value).map_err(|reason| Problem::payload("payload_mismatch", name, &reason))?;
        let kind = if self.application_error == Some(name) { Kind::ApplicationError } else { Kind::Known };
        Ok(Parsed { kind, data, meta })
    }
}

/// Whether an event is of the contract's type. The shapes are known when this is compiled, so a contract that has
/// them leaves serde and its own derived code out of the download.
fn fits<C: Contract>(place: usize, event: &JsValue) -> Result<(), String> {
    match C::SHAPES {
        Some(shapes) => shape::fits(shapes.get(place).unwrap_or(&Shape::Word(&[])), &field(event, "data")),
        None => {
            serde_wasm_bindgen::from_value::<C>(event.clone()).map(drop).map_err(|error| error.to_string())
        }
    }
}
