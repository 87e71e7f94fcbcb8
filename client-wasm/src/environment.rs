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
    pub(crate) fn listen(host: &Host, driver: &Weak<Driver>) -> Self {
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
        add(host.target("document"), &document);
        Self { _listeners: listeners }
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
        // Hidden is not offline: only becoming visible says anything.
        let hidden = matches!(input, Input::Wake) && is_hidden(&document);
        if let (false, Some(driver)) = (hidden, driver.upgrade()) {
            driver.handle(input);
        }
    })
}

/// Only a document has the field.
fn is_hidden(target: &EventTarget) -> bool {
    field(target, "hidden").is_truthy()
}
