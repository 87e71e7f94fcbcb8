//! One event as the JSON of the wire: what serde makes of the contract's enum, and `meta` beside it.

use serde::{Deserialize, Serialize};

/// What is said about an event beside its payload. The contract check ignores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meta<Text = String> {
    /// When it was sent, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// The request that caused it, from `x-correlation-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Text>,
    /// W3C trace context, from `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Text>,
    /// The provider whose request caused it, from `x-tidings-origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Text>,
}

impl<Text> Meta<Text> {
    /// Whether nothing is said.
    pub const fn is_empty(&self) -> bool {
        let Self { at, correlation_id, traceparent, origin } = self;
        at.is_none() && correlation_id.is_none() && traceparent.is_none() && origin.is_none()
    }
}

#[cfg(feature = "json")]
pub use json::{Envelope, EnvelopeError};

#[cfg(feature = "json")]
mod json {
    use super::Meta;
    use crate::Contract;

    /// Room for most events with their meta, so that writing one seldom asks for more.
    const USUAL_BYTES: usize = 512;

    /// An event and its [`Meta`], as one JSON object `{"type":…,"data":…,"meta":{…}}`.
    ///
    /// # Example
    /// ```
    /// # use protocol::{Contract, Envelope, Meta, NoApplicationError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # #[serde(tag = "type", content = "data", rename_all = "snake_case")]
    /// # enum Event { OrderShipped { order: String } }
    /// # impl Contract for Event {
    /// #     const REVISION: u32 = 1; const HASH: &'static str = ""; const NAMES: &'static [&'static str] = &["order_shipped"];
    /// #     type ApplicationError = NoApplicationError; const APPLICATION_ERROR: Option<&'static str> = None;
    /// #     fn name(&self) -> &'static str { "order_shipped" }
    /// #     fn application_error(error: NoApplicationError) -> Self { match error {} }
    /// # }
    /// let meta = Meta { correlation_id: Some("c1".into()), ..Meta::default() };
    /// let json = Envelope::write(&Event::OrderShipped { order: "7".into() }, &meta)?;
    /// assert_eq!(json, r#"{"type":"order_shipped","data":{"order":"7"},"meta":{"correlation_id":"c1"}}"#);
    /// # Ok::<(), protocol::EnvelopeError>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Envelope<C> {
        /// The event.
        pub event: C,
        /// What was said about it.
        pub meta: Meta,
    }

    impl<C: Contract> Envelope<C> {
        /// The JSON of `event` with `meta` beside it; `meta` is left out when it says nothing.
        ///
        /// # Errors
        /// [`EnvelopeError`] when the event cannot be serialised, or is no object that begins with its name.
        pub fn write(event: &C, meta: &Meta) -> Result<String, EnvelopeError> {
            let mut json = Vec::with_capacity(USUAL_BYTES);
            Self::write_to(&mut json, event, meta)?;
            String::from_utf8(json).map_err(|_| EnvelopeError::NotTagged)
        }

        /// The same in room that is used again: what was in it is gone.
        ///
        /// # Errors
        /// As [`Envelope::write`].
        pub fn write_to<'a, Text: serde::Serialize>(
            json: &'a mut Vec<u8>,
            event: &C,
            meta: &Meta<Text>,
        ) -> Result<&'a str, EnvelopeError> {
            json.clear();
            serde_json::to_writer(&mut *json, event)?;
            if !meta.is_empty() {
                json.pop();
                json.extend_from_slice(br#","meta":"#);
                serde_json::to_writer(&mut *json, meta)?;
                json.push(b'}');
            }
            let json = std::str::from_utf8(json).map_err(|_| EnvelopeError::NotTagged)?;
            let tagged = json.strip_prefix(r#"{"type":""#).and_then(|rest| rest.strip_prefix(event.name()));
            if !tagged.is_some_and(|rest| rest.starts_with('"')) {
                return Err(EnvelopeError::NotTagged);
            }
            Ok(json)
        }

        /// Reads an event and its meta; unknown fields are ignored.
        ///
        /// # Errors
        /// [`EnvelopeError::Json`] when the text does not fit the contract.
        pub fn read(json: &str) -> Result<Self, EnvelopeError> {
            #[derive(serde::Deserialize)]
            struct Beside {
                #[serde(default)]
                meta: Option<Meta>,
            }
            let event = serde_json::from_str(json)?;
            let Beside { meta } = serde_json::from_str(json)?;
            Ok(Self { event, meta: meta.unwrap_or_default() })
        }
    }

    /// Why an event is no envelope.
    #[derive(Debug, thiserror::Error)]
    #[non_exhaustive]
    pub enum EnvelopeError {
        /// The value does not serialise, or the text does not fit the contract.
        #[error("the event does not fit its contract: {0}")]
        Json(#[from] serde_json::Error),
        /// The event's JSON does not begin with its name: the enum lacks
        /// `#[serde(tag = "type", content = "data", rename_all = "snake_case")]`, or [`Contract::name`] says
        /// another name than serde.
        #[error(
            r#"the contract's enum needs #[serde(tag = "type", content = "data")] and its name in "type""#
        )]
        NotTagged,
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::{Contract, NoApplicationError};

    macro_rules! contract {
        ($event:ty, $name:expr) => {
            impl Contract for $event {
                const REVISION: u32 = 1;
                const HASH: &'static str = "";
                const NAMES: &'static [&'static str] = &[];
                type ApplicationError = NoApplicationError;
                const APPLICATION_ERROR: Option<&'static str> = None;

                fn name(&self) -> &'static str {
                    $name
                }

                fn application_error(error: NoApplicationError) -> Self {
                    match error {}
                }
            }
        };
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", content = "data", rename_all = "snake_case")]
    enum Event {
        NoteCreated { text: String },
    }
    contract!(Event, "note_created");

    #[derive(Debug, Serialize, Deserialize)]
    enum Untagged {
        NoteCreated {},
    }
    contract!(Untagged, "note_created");

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "type", content = "data", rename_all = "snake_case")]
    enum Misnamed {
        NoteCreatedTwice {},
    }
    contract!(Misnamed, "note_created");

    #[derive(Debug, Serialize, Deserialize)]
    struct Bare;
    contract!(Bare, "note_created");

    fn note(text: &str) -> Event {
        Event::NoteCreated { text: text.to_owned() }
    }

    #[test]
    fn an_envelope_reads_back_as_written() {
        let some = || Some("\u{1F600} \r\n\0\"}".to_owned());
        let full = Meta { at: some(), correlation_id: some(), traceparent: some(), origin: some() };
        for meta in [Meta::default(), Meta { origin: some(), ..Meta::default() }, full] {
            let json = Envelope::write(&note("a\r\n}\0"), &meta).expect("tagged");
            assert!(!json.contains(['\r', '\n', '\0']), "JSON escapes what would break a frame: {json}");
            let read = Envelope::<Event>::read(&json).expect("as written");
            assert_eq!((read.event, read.meta), (note("a\r\n}\0"), meta));
        }
    }

    #[test]
    fn what_a_newer_server_adds_is_ignored() {
        let json = r#"{"later":1,"type":"note_created","data":{"text":"x","more":2},"meta":{"later":3}}"#;
        let read = Envelope::<Event>::read(json).expect("unknown fields are ignored");
        assert_eq!((read.event, read.meta), (note("x"), Meta::default()));
        assert!(Envelope::<Event>::read(r#"{"type":"note_created","data":{},"meta":null}"#).is_err());
        assert!(Envelope::<Event>::read(r#"{"type":"later","data":{}}"#).is_err());
    }

    #[test]
    fn an_event_that_does_not_begin_with_its_name_is_refused() {
        let meta = Meta { origin: Some("o".to_owned()), ..Meta::default() };
        let refused = |result| matches!(result, Err(EnvelopeError::NotTagged));
        assert!(refused(Envelope::write(&Untagged::NoteCreated {}, &meta)));
        assert!(refused(Envelope::write(&Misnamed::NoteCreatedTwice {}, &meta)));
        assert!(refused(Envelope::write(&Bare, &meta)));
    }
}
