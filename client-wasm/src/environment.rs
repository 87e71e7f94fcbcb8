//! What the page says about itself: network, visibility, freezing, the back/forward cache.

use std::rc::Weak;

use gloo_events::EventListener;
use protocol::Input;
use web_sys::EventTarget;

use crate::{Host, driver::Driver, object::field};

/// Listens until dropped.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    _listeners: Vec<EventListener>,
}

impl Environment {
    /// Also says whether the page is visible now.
    pub(crate) fn listen(host: &Host, driver: &Weak<Driver>) -> (Self, bool) {
        let network =
            [("online", Input::Network { online: true }), ("offline", Input::Network { online: false })];
        let page = [("pagehide", Input::Suspend), ("pageshow", Input::Resume), ("focus", Input::Wake)];
        let document =
            [("freeze", Input::Suspend), ("resume", Input::Resume), ("visibilitychange", Input::Wake)];
        let mut listeners = Vec::new();
        let mut add = |target: Option<EventTarget>, events: &[(&'static str, Input<'static>)]| {
            let Some(target) = target else { return };
            for (event, input) in events {
                listeners.push(on(&target, event, *input, driver.clone()));
            }
        };
        add(host.target("network"), &network);
        add(host.target("page"), &page);
        let hidden = host.target("document").is_some_and(|document| is_hidden(&document));
        add(host.target("document"), &document);
        (Self { _listeners: listeners }, !hidden)
    }
}

fn on(
    target: &EventTarget,
    event: &'static str,
    input: Input<'static>,
    driver: Weak<Driver>,
) -> EventListener {
    let document = target.clone();
    EventListener::new(target, event, move |_| {
        let Some(driver) = driver.upgrade() else { return };
        let looked_at = matches!(input, Input::Wake);
        let hidden = looked_at && is_hidden(&document);
        driver.tell(|tab, now| {
            if looked_at {
                tab.show(!hidden, now);
            }
            // Hidden is not offline: only becoming visible says anything.
            if !hidden {
                tab.handle(input, now);
            }
        });
    })
}

/// Only a document has the field.
fn is_hidden(target: &EventTarget) -> bool {
    field(target, "hidden").is_truthy()
}
