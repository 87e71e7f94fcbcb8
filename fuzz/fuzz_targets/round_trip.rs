//! Whatever the encoder lets through, the decoder gives back; ids, channels and control events read back too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{
    Channel, Control, Decoder, EncodedEvent, EventId, Frame, RESERVED_PREFIX,
    control::{ContractVersion, GOODBYE, Goodbye, HEARTBEAT, HELLO, Heartbeat, Hello, Resumed},
    encode_control,
};

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    // Four texts, since no separator can stand in all of them.
    let mut texts = text.splitn(4, '\u{1}');
    let (id, event, data) = (texts.next(), texts.next(), texts.next());
    let number = input.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    frame(&Frame { id, event, data, retry_ms: number.is_multiple_of(2).then_some(number) });
    if let (Some(id), Some(name), Some(json)) = (id, event, data) {
        app_event(id, name, json);
    }
    channel(&text);
    controls(&text, number);
});

fn frame(frame: &Frame<'_>) {
    let mut wire = Vec::new();
    if frame.encode(&mut wire).is_err() {
        assert!(wire.is_empty());
        return;
    }
    let mut decoder = Decoder::with_max_bytes("", usize::MAX);
    let mut events = Vec::new();
    assert!(decoder.feed(&wire, &mut events).is_ok());
    assert_eq!(decoder.last_event_id(), frame.id.unwrap_or_default());
    assert_eq!(decoder.retry_ms(), frame.retry_ms);
    assert_eq!(events.len(), usize::from(frame.data.is_some()));
    if let (Some(data), [read]) = (frame.data, &*events) {
        assert_eq!((&*read.data, &*read.event), (data, frame.event.unwrap_or("message")));
        assert_eq!(read.sets_id, frame.id.is_some());
    }
}

fn app_event(id: &str, name: &str, json: &str) {
    let (Ok(id), Ok(encoded)) = (id.parse::<EventId>(), EncodedEvent::new(name, json)) else { return };
    assert!(!name.starts_with(RESERVED_PREFIX));
    let mut events = Vec::new();
    let block = encoded.place(&id, &Channel::all().into());
    assert!(Decoder::with_max_bytes("", usize::MAX).feed(&block.unlabelled(), &mut events).is_ok());
    let [read] = &*events else { panic!("one block is one event") };
    assert_eq!((&*read.event, &*read.data), (name, json));
    assert_eq!(read.last_event_id.parse(), Ok(id));
}

fn channel(text: &str) {
    for channel in [Channel::user(text), Channel::group(text), Channel::parse(text)].into_iter().flatten() {
        assert_eq!(Channel::parse(channel.as_str()), Ok(channel));
    }
}

fn controls(text: &str, number: u64) {
    // Any text as a control event's data is read or refused.
    for name in ["tidings:hello", "tidings:heartbeat", "tidings:gap", "tidings:goodbye", "tidings:later"] {
        if let Ok(Control::Goodbye(goodbye)) = Control::parse(name, text) {
            assert_eq!(control(GOODBYE, &goodbye), Control::Goodbye(goodbye));
            let Goodbye { reason, .. } = goodbye;
            let without = Goodbye { reason, reconnect_after_ms: None };
            assert_eq!(control(GOODBYE, &without), Control::Goodbye(without));
        }
    }
    let hello = Hello {
        connection_id: text.to_owned(),
        subject: text.chars().rev().collect(),
        resumed: if number.is_multiple_of(2) { Resumed::Replayed } else { Resumed::Gap },
        replay_until: number.is_multiple_of(3).then(|| text.to_owned()),
        heartbeat_ms: number as u32,
        alive_ms: (number % 2 == 0).then_some(number as u32),
        contract: ContractVersion { revision: (number >> 32) as u32, hash: text.to_owned() },
        groups: text.to_owned(),
    };
    assert_eq!(control(HELLO, &hello), Control::Hello(hello));
    let heartbeat = Heartbeat { sent: number };
    assert_eq!(control(HEARTBEAT, &heartbeat), Control::Heartbeat(heartbeat));
}

fn control(name: &str, value: &impl serde::Serialize) -> Control {
    let wire = encode_control(None, name, value, None);
    let mut events = Vec::new();
    assert!(Decoder::with_max_bytes("", usize::MAX).feed(&wire, &mut events).is_ok());
    let [read] = &*events else { panic!("one block is one event") };
    match Control::parse(&read.event, &read.data) {
        Ok(control) => control,
        Err(error) => panic!("{error}"),
    }
}
