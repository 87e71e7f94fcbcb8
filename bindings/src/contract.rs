//! [`Event`] as the rest of Tidings sees it.

use protocol::{Contract, Delivery, Shape};
use strum::VariantNames;

use crate::{ApplicationError, Event, shapes, version};

impl Contract for Event {
    const REVISION: u32 = version::REVISION;
    const HASH: &'static str = version::HASH;
    const NAMES: &'static [&'static str] = Self::VARIANTS;
    const SHAPES: Option<&'static [Shape]> = Some(shapes::SHAPES);
    type ApplicationError = ApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = Some("application_error");

    fn name(&self) -> &'static str {
        self.into()
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::ForceLogout { .. } | Self::PresenceChanged { .. } => Delivery::LiveOnly,
            _ => Delivery::Durable,
        }
    }

    fn application_error(error: ApplicationError) -> Self {
        Self::ApplicationError(error)
    }
}
