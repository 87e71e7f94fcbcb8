//! The page's handlers, by what they wait for.

use std::rc::Rc;

use js_sys::{Function, Object};

/// What a handler waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Occasion {
    Event(String),
    Any,
    Unknown,
    ApplicationError,
    State,
    Resync,
    Error,
}

impl Occasion {
    /// The occasions of one registration, in the façade's words.
    pub(crate) fn all(word: &str, names: &str) -> Vec<Self> {
        vec![match word {
            "event" => {
                let names = names.split('\n').filter(|name| !name.is_empty());
                return names.map(|name| Self::Event(name.to_owned())).collect();
            }
            "any" => Self::Any,
            "unknown" => Self::Unknown,
            "application_error" => Self::ApplicationError,
            "state" => Self::State,
            "resync" => Self::Resync,
            _ => Self::Error,
        }]
    }

    /// How `inspect()` calls it; an event's name cannot begin with an asterisk there.
    fn label(&self) -> &str {
        match self {
            Self::Event(name) => name,
            Self::Any => "*any",
            Self::Unknown => "*unknown",
            Self::ApplicationError => "*application_error",
            Self::State => "*state",
            Self::Resync => "*resync",
            Self::Error => "*error",
        }
    }
}

/// One registration, possibly for several events.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) id: u32,
    pub(crate) function: Function,
    pub(crate) once: bool,
}

/// Every registration.
#[derive(Debug, Default)]
pub(crate) struct Handlers {
    begun: u32,
    /// In order of registration. A page has dozens, and a map of them costs 4 kB of wasm.
    list: Vec<(Occasion, Rc<Handler>)>,
}

impl Handlers {
    pub(crate) fn add(&mut self, occasions: Vec<Occasion>, function: Function, once: bool) -> u32 {
        self.begun = self.begun.wrapping_add(1);
        let handler = Rc::new(Handler { id: self.begun, function, once });
        self.list.extend(occasions.into_iter().map(|occasion| (occasion, Rc::clone(&handler))));
        self.begun
    }

    pub(crate) fn remove(&mut self, id: u32) {
        self.list.retain(|(_, handler)| handler.id != id);
    }

    /// Ends this function's registrations for one event; those for other events stay.
    pub(crate) fn off(&mut self, name: String, function: &Function) {
        let event = Occasion::Event(name);
        self.list
            .retain(|(occasion, handler)| *occasion != event || !Object::is(&handler.function, function));
    }

    /// Who is to be called now. What registers during the calls is not among them; ask [`Self::has`] before each.
    pub(crate) fn snapshot(&self, occasion: &Occasion) -> Vec<Rc<Handler>> {
        self.list.iter().filter(|(one, _)| one == occasion).map(|(_, handler)| Rc::clone(handler)).collect()
    }

    /// Whether a handler of a snapshot is still registered.
    pub(crate) fn has(&self, occasion: &Occasion, handler: &Rc<Handler>) -> bool {
        self.list.iter().any(|(one, other)| Rc::ptr_eq(other, handler) && one == occasion)
    }

    /// The label of every registration.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(occasion, _)| occasion.label())
    }
}
