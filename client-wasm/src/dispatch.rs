//! The calls of the page's handlers: each by itself, in order of registration, and what a throw means.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use protocol::{
    EventId, ResyncReason, State,
    subscriber::{HoldId, Message, Released},
};
use wasm_bindgen::JsValue;
use web_sys::AbortController;

use crate::{
    contract::{Kind, Parsed},
    driver::{Driver, Held},
    error::Problem,
    handlers::Occasion,
    object::{field, object, text_or_null},
    state,
};

impl Driver {
    /// Checks an event and hands it to its handlers.
    pub(crate) fn dispatch(&self, message: &Message) {
        let Parsed { kind, data, meta } = match self.contract.read(message) {
            Ok(parsed) => parsed,
            Err(problem) => return self.report(&problem),
        };
        let meta = self.meta(message, &meta);
        let name = JsValue::from_str(&message.name);
        if kind == Kind::Unknown {
            return self.call_all(&Occasion::Unknown, &Array::of3(&name, &data, &meta));
        }
        let arguments = Array::of2(&data, &meta);
        self.call_all(&Occasion::Event(message.name.clone()), &arguments);
        if kind == Kind::ApplicationError {
            self.call_all(&Occasion::ApplicationError, &arguments);
        }
        let whole = object(&[("type", name), ("data", data), ("meta", meta)]);
        self.call_all(&Occasion::Any, &Array::of1(&whole));
    }

    /// Tells the page that it may have missed something, and settles once all its handlers have.
    pub(crate) fn resync(&self, hold: HoldId, reason: ResyncReason) {
        let Ok(controller) = AbortController::new() else { return };
        let options = object(&[("signal", controller.signal().into())]);
        self.holds.borrow_mut().push((hold, Held::Resync(controller)));
        let (promises, all_returned) =
            self.call(&Occasion::Resync, &Array::of2(&reason.as_str().into(), &options));
        if promises.is_empty() {
            return self.settle(hold, all_returned);
        }
        let unsettled = Rc::new(Cell::new((promises.len(), all_returned)));
        for promise in promises {
            let (driver, unsettled) = (self.weak(), Rc::clone(&unsettled));
            self.host.when_settled(&promise, move |outcome| {
                let (left, ok) = unsettled.get();
                unsettled.set((left - 1, ok && outcome.is_ok()));
                let Some(driver) = driver.upgrade() else { return };
                if let Err(reason) = outcome {
                    driver.report(&Problem::handler("handler_rejected", reason));
                }
                if let (0, ok) = unsettled.get() {
                    driver.settle(hold, ok);
                }
            });
        }
    }

    /// Tells a resync or a load that nobody waits for it any more.
    pub(crate) fn release(&self, hold: HoldId, cause: Released) {
        match self.end_hold(hold) {
            Some(Held::Resync(controller)) => controller.abort(),
            Some(Held::Load(release)) => {
                let cause = match cause {
                    Released::Timeout => "timeout",
                    Released::Overflow => "overflow",
                    Released::Superseded => "superseded",
                    Released::Closed => "closed",
                };
                if let Err(thrown) = release.call1(&JsValue::UNDEFINED, &cause.into()) {
                    self.report(&Problem::handler("handler_threw", thrown));
                }
            }
            None => {}
        }
    }

    /// Gives the page its new state.
    pub(crate) fn announce(&self, state: &State) {
        let now = state::to_js(state, &self.host);
        let before = self.state.replace(now.clone());
        self.host.state(&now);
        self.call_all(&Occasion::State, &Array::of2(&now, &before));
    }

    /// Gives an error to the `onError` handlers, or to the log where there is none.
    pub(crate) fn report(&self, problem: &Problem) {
        let error = problem.to_js(&self.host);
        let handlers = self.handlers.borrow().snapshot(&Occasion::Error);
        if handlers.is_empty() {
            self.host.unheard(&error);
        } else {
            self.call_all(&Occasion::Error, &Array::of1(&error));
        }
    }

    fn call_all(&self, occasion: &Occasion, arguments: &Array) {
        for promise in self.call(occasion, arguments).0 {
            let (driver, occasion) = (self.weak(), occasion.clone());
            self.host.when_settled(&promise, move |outcome| {
                if let (Err(reason), Some(driver)) = (outcome, driver.upgrade()) {
                    driver.report_handler(&occasion, "handler_rejected", reason);
                }
            });
        }
    }

    /// Calls every handler that was there at the beginning and still is; gives what is yet to settle, and whether
    /// none threw.
    fn call(&self, occasion: &Occasion, arguments: &Array) -> (Vec<JsValue>, bool) {
        let mut promises = Vec::new();
        let mut all_returned = true;
        let handlers = self.handlers.borrow().snapshot(occasion);
        for handler in handlers {
            if !self.handlers.borrow().has(occasion, &handler) {
                continue;
            }
            if handler.once {
                self.handlers.borrow_mut().remove(handler.id);
            }
            match handler.function.apply(&JsValue::UNDEFINED, arguments) {
                Ok(returned) if field(&returned, "then").is_function() => promises.push(returned),
                Ok(_) => {}
                Err(thrown) => {
                    all_returned = false;
                    self.report_handler(occasion, "handler_threw", thrown);
                }
            }
        }
        (promises, all_returned)
    }

    /// An `onError` handler's own error goes to the log: told to `onError`, it would never end.
    fn report_handler(&self, occasion: &Occasion, code: &'static str, cause: JsValue) {
        let problem = Problem::handler(code, cause);
        if *occasion == Occasion::Error {
            self.host.unheard(&problem.to_js(&self.host));
        } else {
            self.report(&problem);
        }
    }

    fn meta(&self, message: &Message, meta: &JsValue) -> JsValue {
        let origin = field(meta, "origin").as_string();
        let text = |name| text_or_null(field(meta, name).as_string().as_deref());
        object(&[
            ("type", JsValue::from_str(&message.name)),
            ("id", text_or_null(message.id.as_ref().map(EventId::to_text).as_deref())),
            ("replayed", message.replayed.into()),
            ("via", "network".into()),
            ("receivedAt", state::millis(self.now())),
            ("sentAt", text("at")),
            ("correlationId", text("correlation_id")),
            ("own", (origin.is_some() && origin == self.host.origin()).into()),
        ])
    }
}
