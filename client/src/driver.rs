//! The driver of the subscriber: handle one input, poll outputs until there is none, wait for the next input.

use std::sync::Arc;

use protocol::{
    Contract, EventId, Input, Output, State, Subscriber,
    subscriber::{Attempt, Head, HoldId, Message},
};
use tokio::sync::{Notify, oneshot, watch};

use crate::{
    Item, Resync,
    alive::SignOfLife,
    clock::Clock,
    fetch::{Endpoint, Fetch, Report},
    item,
    queue::Outbox,
};

/// One client's side effects, owned by its task.
pub(crate) struct Driver<C> {
    pub(crate) subscriber: Subscriber,
    pub(crate) clock: Clock,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) outbox: Outbox<C>,
    /// The state as the reader may look at it.
    pub(crate) state: watch::Sender<State>,
    /// Asked for by the reader; several at once are one.
    pub(crate) reconnect: Arc<Notify>,
    /// The request that runs.
    pub(crate) request: Option<Fetch>,
    /// The resync that is waited for, and its guard's answer. The subscriber runs one at a time.
    pub(crate) resync: Option<(HoldId, oneshot::Receiver<bool>)>,
    /// The last sign of life that was asked for.
    pub(crate) alive: Option<SignOfLife>,
    /// A gap was said and no fetch after it has gone well: a position beyond it must not be kept.
    pub(crate) unresolved: bool,
    /// The position last handed on.
    pub(crate) position: Option<EventId>,
}

/// What ends a wait.
enum Happened {
    Report(u64, Report),
    Settled(HoldId, bool),
    Reconnect,
    Due,
    /// The reader has taken what there was.
    Taken,
    ReaderLeft,
}

impl<C: Contract> Driver<C> {
    /// Runs until nothing more can come by itself, or the reader has gone.
    pub(crate) async fn run(mut self) {
        self.handle(Input::Connect);
        while !self.is_over() {
            match self.wait().await {
                Happened::Report(attempt, report) => self.report(attempt, report),
                Happened::Settled(hold, ok) => self.settle(hold, ok),
                Happened::Reconnect => self.handle(Input::Reconnect),
                Happened::Due => self.handle(Input::Timeout),
                Happened::Taken => {}
                Happened::ReaderLeft => return,
            }
        }
        self.outbox.flush().await;
    }

    /// Handles one input and does what comes of it.
    fn handle(&mut self, input: Input<'_>) {
        self.subscriber.handle(input, self.clock.now());
        while let Some(output) = self.subscriber.poll() {
            self.act(output);
        }
        self.note_position();
    }

    /// While the reader has not taken what there is, nothing is read and no time passes: a stream that is not
    /// read is silent, and that is no fault of it.
    async fn wait(&mut self) -> Happened {
        let behind = !self.outbox.is_empty();
        let due = self.subscriber.poll_timeout();
        tokio::select! {
            biased;
            (hold, ok) = settled(&mut self.resync) => Happened::Settled(hold, ok),
            () = self.reconnect.notified() => Happened::Reconnect,
            here = self.outbox.flush(), if behind => {
                if here { Happened::Taken } else { Happened::ReaderLeft }
            }
            (attempt, report) = next_report(&mut self.request), if !behind => {
                Happened::Report(attempt, report)
            }
            () = self.clock.reach(due), if !behind => Happened::Due,
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Open(attempt) => self.open(attempt),
            Output::Abort { attempt } => self.abort(attempt),
            Output::State(state) => self.show(state),
            Output::Event(message) => self.dispatch(message),
            Output::Resync { hold, reason } => {
                let (settle, settled) = oneshot::channel();
                self.resync = Some((hold, settled));
                self.unresolved = true;
                self.outbox.push(Item::Gap { reason, resync: Resync::new(settle) }, None);
            }
            Output::Release { hold, .. } => {
                self.resync.take_if(|(waited_for, _)| *waited_for == hold);
            }
            Output::Error(error) => self.outbox.push(Item::Error(error.into()), None),
            Output::Alive { connection_id } => {
                self.alive = Some(SignOfLife::give(&self.endpoint, &connection_id));
            }
            Output::NewerContract { revision } => self.outbox.push(Item::NewerContract { revision }, None),
            _ => {}
        }
    }

    fn open(&mut self, attempt: Attempt) {
        self.request = Some(Fetch::make(self.endpoint.clone(), attempt));
    }

    fn abort(&mut self, attempt: u64) {
        self.request.take_if(|request| request.attempt == attempt);
    }

    fn show(&mut self, state: State) {
        self.state.send_replace(state.clone());
        self.outbox.push(Item::State(state), None);
    }

    /// Checks an event and hands it on.
    fn dispatch(&mut self, message: Message) {
        let position = message.id.clone().filter(|_| !self.unresolved);
        if position.is_some() {
            self.position.clone_from(&position);
        }
        self.outbox.push(item::read(message, self.clock.now()), position);
    }

    fn report(&mut self, attempt: u64, report: Report) {
        match report {
            Report::Head { status, content_type, retry_after } => {
                let head = Head {
                    status,
                    content_type: content_type.as_deref(),
                    retry_after: retry_after.map(Into::into),
                };
                self.handle(Input::Head { attempt, head });
            }
            Report::Bytes(bytes) => self.handle(Input::Bytes { attempt, bytes: &bytes }),
            Report::End => self.handle(Input::End { attempt }),
            Report::Failed(error) => self.handle(Input::Failed { attempt, error: &error }),
        }
    }

    fn settle(&mut self, hold: HoldId, ok: bool) {
        self.resync = None;
        if ok {
            self.unresolved = false;
        }
        self.handle(Input::Settled { hold, ok });
    }

    /// Heartbeats move the position too: a client that was sent nothing for long must not come back from where
    /// it stood then.
    fn note_position(&mut self) {
        let settled = self.subscriber.last_event_id();
        if self.unresolved || settled == self.position.as_ref() {
            return;
        }
        if let Some(position) = settled.cloned()
            && self.outbox.push_position(position.clone())
        {
            self.position = Some(position);
        }
    }

    /// Whether nothing more comes by itself. Held events of a client without credentials still do.
    fn is_over(&self) -> bool {
        match self.subscriber.state() {
            State::Closed(_) => true,
            State::Unauthorized { .. } => self.resync.is_none(),
            _ => false,
        }
    }
}

async fn settled(resync: &mut Option<(HoldId, oneshot::Receiver<bool>)>) -> (HoldId, bool) {
    match resync {
        // A guard that was dropped says that the fetch failed.
        Some((hold, settled)) => (*hold, settled.await.unwrap_or(false)),
        None => std::future::pending().await,
    }
}

async fn next_report(request: &mut Option<Fetch>) -> (u64, Report) {
    match request {
        Some(request) => (request.attempt, request.next().await),
        None => std::future::pending().await,
    }
}
