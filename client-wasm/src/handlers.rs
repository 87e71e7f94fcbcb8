//! The page's handlers, by what they wait for.

use std::{collections::BTreeMap, rc::Rc};

use js_sys::{Function, Object};

/// What a handler waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(crate) fn all(word: &str, names: Vec<String>) -> Vec<Self> {
        vec![match word {
            "event" => return names.into_iter().map(Self::Event).collect(),
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
    by_occasion: BTreeMap<Occasion, Vec<Rc<Handler>>>,
}

impl Handlers {
    pub(crate) fn add(&mut self, occasions: Vec<Occasion>, function: Function, once: bool) -> u32 {
        self.begun = self.begun.wrapping_add(1);
        let handler = Rc::new(Handler { id: self.begun, function, once });
        for occasion in occasions {
            self.by_occasion.entry(occasion).or_default().push(Rc::clone(&handler));
        }
        self.begun
    }

    pub(crate) fn remove(&mut self, id: u32) {
        self.by_occasion.retain(|_, handlers| {
            handlers.retain(|handler| handler.id != id);
            !handlers.is_empty()
        });
    }

    /// Ends this function's registrations for one event; those for other events stay.
    pub(crate) fn off(&mut self, name: String, function: &Function) {
        let event = Occasion::Event(name);
        if let Some(handlers) = self.by_occasion.get_mut(&event) {
            handlers.retain(|handler| !Object::is(&handler.function, function));
            if handlers.is_empty() {
                self.by_occasion.remove(&event);
            }
        }
    }

    /// Who is to be called now. What registers during the calls is not among them; ask [`Self::has`] before each.
    pub(crate) fn snapshot(&self, occasion: &Occasion) -> Vec<Rc<Handler>> {
        self.by_occasion.get(occasion).cloned().unwrap_or_default()
    }

    /// Whether a handler of a snapshot is still registered.
    pub(crate) fn has(&self, occasion: &Occasion, handler: &Handler) -> bool {
        let handlers = self.by_occasion.get(occasion);
        handlers.is_some_and(|handlers| handlers.iter().any(|one| one.id == handler.id))
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_occasion.iter().map(|(occasion, handlers)| (occasion.label(), handlers.len()))
    }
}
