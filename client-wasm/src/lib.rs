//! The browser client of Tidings: fetch, timers and page events around [`protocol::tab::Tab`].
//!
//! It decides nothing about the stream: that is the subscriber's. It decides nothing about the contract: that is
//! the app's, given once by [`export_provider!`]. It keeps no handlers: those are the façade's. What is left is one driver.
//!
//! | part | what it is |
//! |---|---|
//! | [`BackendEventProvider`] | what a page holds, generic over the contract |
//! | [`Host`] | what the TypeScript façade lends: options, clock, fetch, the page's event targets |
//! | `driver` | *handle one input, poll outputs until there is none, arm one timer* |
//! | `fetch` | one request: credentials, head, bytes, end |
//! | `waiting` | what goes on when a promise has come to something |
//! | `environment` | what the page says about network, visibility and freezing |
//! | `dispatch` | what the page is told |
//! | `contract`, `shape` | the check of a payload against the contract |

#[cfg(target_arch = "wasm32")]
mod allocator;
mod contract;
mod control;
mod dispatch;
mod driver;
mod environment;
mod error;
mod fetch;
mod host;
mod object;
mod provider;
mod shape;
mod state;
mod timer;
mod waiting;

pub use host::{Clock, Host};
pub use provider::BackendEventProvider;
#[doc(hidden)]
pub use {js_sys, wasm_bindgen};

/// Makes the class that a contract's npm package exports: [`BackendEventProvider`] for one contract.
///
/// ```text
/// tidings_client_wasm::export_provider!(tidings_bindings::Event);
/// ```
///
/// The class is called `Provider`; TypeScript sees it only through the façade of `@tidings/client`.
#[macro_export]
macro_rules! export_provider {
    ($contract:ty) => {
        /// The class for this contract.
        mod exported {
            use super::*;
            use $crate::wasm_bindgen::{self, prelude::wasm_bindgen};

            /// The provider of this contract, as the façade of `@tidings/client` drives it.
            #[wasm_bindgen(wasm_bindgen = wasm_bindgen)]
            #[derive(Debug)]
            pub struct Provider($crate::BackendEventProvider<$contract>);

            #[wasm_bindgen(wasm_bindgen = wasm_bindgen)]
            impl Provider {
                /// Idle.
                #[wasm_bindgen(constructor)]
                pub fn new(host: $crate::Host) -> Self {
                    Self($crate::BackendEventProvider::new(host))
                }

                /// Starts.
                pub fn connect(&self) {
                    self.0.connect();
                }

                /// Tries again now.
                pub fn reconnect(&self) {
                    self.0.reconnect();
                }

                /// Ends the stream.
                pub fn close(&self) {
                    self.0.close();
                }

                /// Another user, or nobody.
                #[wasm_bindgen(js_name = setIdentity)]
                pub fn set_identity(&self, signed_in: bool, shares: bool) {
                    self.0.set_identity(signed_in, shares);
                }

                /// The page reads these groups.
                pub fn want(&self, groups: ::std::string::String) {
                    self.0.want(groups);
                }

                /// The lock is this tab's.
                pub fn granted(&self) {
                    self.0.granted();
                }

                /// Another tab has taken the lock.
                pub fn stolen(&self) {
                    self.0.stolen();
                }

                /// Another tab's post.
                #[allow(clippy::too_many_arguments, reason = "one for each field of a post")]
                pub fn hear(
                    &self,
                    kind: u8,
                    from: f64,
                    to: f64,
                    term: f64,
                    number: f64,
                    text: ::std::string::String,
                ) {
                    self.0.hear(kind, from, to, term, number, text);
                }

                /// Holds events until [`Self::settle`]; `undefined` when too many loads run.
                pub fn hold(&self) -> ::std::option::Option<f64> {
                    self.0.hold()
                }

                /// A load is done.
                pub fn settle(&self, hold: f64, ok: bool) {
                    self.0.settle(hold, ok);
                }

                /// The cursor.
                #[wasm_bindgen(getter, js_name = lastEventId)]
                pub fn last_event_id(&self) -> ::std::string::String {
                    self.0.last_event_id()
                }
            }
        }
        pub use exported::Provider;
    };
}
