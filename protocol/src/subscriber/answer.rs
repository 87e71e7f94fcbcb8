//! What each answer of a server means: response heads, failures, goodbyes, refused credentials.

use super::{Credentials, Head, Output, Subscriber, link::Link, link::Source, link::Stream};
use crate::{
    Closed, Decoder, EventId, Millis, SubscriberError, Time,
    control::{Goodbye, GoodbyeReason},
};

/// The renewal of refused credentials, since the last hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// Nothing was refused.
    None,
    /// The next attempt asks for new credentials, as often as it takes to get some.
    Owed,
    /// New ones came: another refusal is final.
    Asked,
}

impl Subscriber {
    pub(super) fn handle_head(&mut self, attempt: u64, head: Head<'_>, now: Time) {
        let Link::Opening { attempt: current, sent_cursor, .. } = self.link else { return };
        if attempt != current {
            return;
        }
        self.note_renewal();
        let content_type = head.content_type.unwrap_or_default();
        match head.status {
            200 if is_event_stream(content_type) => {
                self.begin(attempt, Source::Network, sent_cursor, now);
            }
            200 => self.fail(SubscriberError::ContentType(content_type.to_owned()), head.retry_after, now),
            204 => self.close(Closed::NoContent),
            status @ (401 | 403) => self.refused(status, now),
            status @ (404 | 408 | 425 | 429 | 500..) => {
                self.fail(SubscriberError::Status(status), head.retry_after, now);
            }
            status @ 400..500 => self.close_failed(SubscriberError::Refused(status)),
            status => self.fail(SubscriberError::Status(status), head.retry_after, now),
        }
    }

    /// The stream is there; hello comes next.
    pub(super) fn begin(&mut self, attempt: u64, source: Source, sent_cursor: bool, now: Time) {
        let last_event_id = self.cursor.as_ref().map(EventId::to_text).unwrap_or_default();
        self.link = Link::Streaming(Box::new(Stream {
            attempt,
            source,
            decoder: Decoder::with_max_bytes(&last_event_id, self.config.max_event_bytes),
            last_byte: now,
            grace_until: None,
            sent_cursor,
            greeted: None,
        }));
    }

    pub(super) fn handle_failure(&mut self, attempt: u64, error: SubscriberError, now: Time) {
        if self.link.attempt() != Some(attempt) {
            return;
        }
        match error {
            SubscriberError::Unauthorized(_) => return self.park(error),
            SubscriberError::Auth(_) => {}
            _ => self.note_renewal(),
        }
        self.fail(error, None, now);
    }

    pub(super) fn goodbye(&mut self, goodbye: Goodbye, now: Time) {
        let after = goodbye.reconnect_after_ms.map_or(Millis::ZERO, |ms| Millis::new(ms.into()));
        match goodbye.reason {
            GoodbyeReason::Draining | GoodbyeReason::Lifetime => self.leave_quietly(after, now),
            GoodbyeReason::Expired => {
                if self.config.credentials == Credentials::Renewable {
                    self.renewal = Renewal::Owed;
                }
                self.leave_quietly(after, now);
            }
            GoodbyeReason::Revoked => {
                self.abort();
                self.park(SubscriberError::Revoked);
            }
            // Another tab of this browser has taken over, as this one is about to hear.
            GoodbyeReason::Replaced if self.shared => self.leave_quietly(after, now),
            GoodbyeReason::Replaced => {
                self.abort();
                self.close_failed(SubscriberError::Replaced);
            }
            GoodbyeReason::OverLimit => self.fail(SubscriberError::OverLimit, Some(after), now),
        }
    }

    pub(super) fn park(&mut self, error: SubscriberError) {
        self.outputs.push_back(Output::Error(error.clone()));
        self.trouble = None;
        self.link = Link::Unauthorized(error);
    }

    fn refused(&mut self, status: u16, now: Time) {
        if self.config.credentials == Credentials::Renewable && self.renewal == Renewal::None {
            self.renewal = Renewal::Owed;
            self.open(now);
        } else {
            self.park(SubscriberError::Unauthorized(SubscriberError::Status(status).message()));
        }
    }

    /// The attempt got its credentials.
    fn note_renewal(&mut self) {
        if self.renewal == Renewal::Owed {
            self.renewal = Renewal::Asked;
        }
    }

    fn close_failed(&mut self, error: SubscriberError) {
        self.outputs.push_back(Output::Error(error.clone()));
        self.close(Closed::Failed(error));
    }
}

fn is_event_stream(content_type: &str) -> bool {
    let essence = content_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}
