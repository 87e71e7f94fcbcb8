//! The scripts, each one step at the server, and the keys that all of them are given.

use redis::{Script, ScriptInvocation};

const COMMON: &str = include_str!("scripts/common.lua");

/// In the order of `scripts/common.lua`.
const KEYS: [&str; 18] = [
    "log",
    "head",
    "epochs",
    "senders",
    "senders_at",
    "keys",
    "keys_at",
    "revocations",
    "grants",
    "presences",
    "due",
    "claims",
    "users",
    "connections",
    "connections_until",
    "tabs",
    "members",
    "wake",
];

/// What a hub's keys are called, and the scripts that know them.
#[derive(Debug)]
pub(super) struct Scripts {
    keys: Vec<String>,
    pub(super) open: Script,
    pub(super) append: Script,
    pub(super) page: Script,
    pub(super) lineage: Script,
    pub(super) tend: Script,
    pub(super) lease: Script,
    pub(super) hand_over: Script,
    pub(super) presence: Script,
    pub(super) elsewhere_of: Script,
    pub(super) save: Script,
    pub(super) meet: Script,
}

impl Scripts {
    pub(super) fn new(name: &str) -> Self {
        let script = |text: &str| Script::new(&format!("{COMMON}{text}"));
        Self {
            keys: KEYS.iter().map(|key| format!("{{{name}}}:{key}")).collect(),
            open: script(include_str!("scripts/open.lua")),
            append: script(include_str!("scripts/append.lua")),
            page: script(include_str!("scripts/page.lua")),
            lineage: script(include_str!("scripts/lineage.lua")),
            tend: script(include_str!("scripts/tend.lua")),
            lease: script(include_str!("scripts/lease.lua")),
            hand_over: script(include_str!("scripts/hand_over.lua")),
            presence: script(include_str!("scripts/presence.lua")),
            elsewhere_of: script(include_str!("scripts/elsewhere_of.lua")),
            save: script(include_str!("scripts/save.lua")),
            meet: script(include_str!("scripts/meet.lua")),
        }
    }

    /// A call of one of them, to be given its arguments.
    pub(super) fn call<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(&self.keys);
        call
    }

    /// The key called `key`.
    pub(super) fn key(&self, key: &str) -> &str {
        let place = KEYS.iter().position(|known| *known == key).unwrap_or_default();
        &self.keys[place]
    }
}
