//! Properties of the wire: every split of the bytes decodes alike, what was encoded decodes to itself, and no
//! stream makes a reader keep more than its bound.

#[path = "support/naive_reader.rs"]
mod naive_reader;

use naive_reader::{Reading, read_all};
use proptest::{collection::vec, prelude::*, sample::select};
use protocol::{
    Channel, DecodeError, DecodedEvent, Decoder, EncodedEvent, Epoch, Frame, FrameField, RESERVED_PREFIX,
};

/// What a reader of at most `max_bytes` makes of chunks: how the first failure came, too.
fn read(chunks: &[&[u8]], max_bytes: usize) -> (Reading, Result<(), DecodeError>) {
    let mut decoder = Decoder::with_max_bytes("", max_bytes);
    let mut events = Vec::new();
    let result = chunks.iter().try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let last_event_id = decoder.last_event_id().to_owned();
    (Reading { events, last_event_id, retry_ms: decoder.retry_ms() }, result)
}

/// `bytes` cut at `places`, which count in 65,536ths of the length.
fn cut<'a>(bytes: &'a [u8], places: &[u16]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> =
        places.iter().map(|place| usize::from(*place) * (bytes.len() + 1) / 65_536).collect();
    places.sort_unstable();
    let ends = places.iter().copied().chain([bytes.len()]);
    let mut start = 0;
    ends.map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

/// Bytes that look like a stream: fields, separators, line ends and what breaks them.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(vec!["data", "event", "id", "retry", "dat", "", " ", "x", "tidings:hello", "12", "9999"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        6 => select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"]).prop_map(|end| end.as_bytes().to_vec()),
        4 => select(vec![":", ": ", ":  ", "::"]).prop_map(|colon| colon.as_bytes().to_vec()),
        2 => select(vec![&b"\xEF\xBB\xBF"[..], b"\xEF", b"\xBB", b"\xE2\x82\xAC", b"\xE2\x82", b"\xFF", b"\0"])
            .prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn field_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z: _\u{e9}\u{1F600}]{0,12}", 1 => "[a-c\r\n\0]{0,6}", 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_split_of_a_stream_decodes_alike(stream in stream(), places in vec(any::<u16>(), 0..8)) {
        let whole = read(&[&stream], usize::MAX);
        prop_assert_eq!(&whole.0, &read_all("", &stream), "the reader of these tests");
        prop_assert_eq!(&whole, &read(&cut(&stream, &places), usize::MAX));
        prop_assert_eq!(&whole, &read(&stream.chunks(1).collect::<Vec<_>>(), usize::MAX));
    }

    #[test]
    fn every_split_of_any_bytes_decodes_alike(bytes in vec(any::<u8>(), 0..200), places in vec(any::<u16>(), 0..8)) {
        let whole = read(&[&bytes], usize::MAX);
        prop_assert_eq!(&whole.0, &read_all("", &bytes), "the reader of these tests");
        prop_assert_eq!(&whole, &read(&cut(&bytes, &places), usize::MAX));
    }

    #[test]
    fn every_split_fails_alike_at_the_bound(
        stream in stream(), places in vec(any::<u16>(), 0..8), max_bytes in 0..48_usize,
    ) {
        let whole = read(&[&stream], max_bytes);
        prop_assert_eq!(&whole, &read(&cut(&stream, &places), max_bytes));
        prop_assert_eq!(&whole, &read(&stream.chunks(1).collect::<Vec<_>>(), max_bytes));
        let unbounded = read_all("", &stream).events;
        prop_assert!(unbounded.starts_with(&whole.0.events), "what came before the bound is delivered");
        if whole.1.is_ok() {
            prop_assert_eq!(unbounded.len(), whole.0.events.len());
        }
        for event in &whole.0.events {
            let held = event.data.len() + event.last_event_id.len();
            prop_assert!(held <= max_bytes, "{} bytes of {}", held, max_bytes);
        }
    }

    #[test]
    fn a_frame_decodes_to_itself_or_is_refused(
        id in proptest::option::of(field_text()), event in proptest::option::of(field_text()),
        data in proptest::option::of(field_text()), retry_ms in any::<Option<u64>>(),
        places in vec(any::<u16>(), 0..4),
    ) {
        let frame = Frame { id: id.as_deref(), event: event.as_deref(), data: data.as_deref(), retry_ms };
        let mut wire = b"data:before\n\n".to_vec();
        let before = wire.len();
        let breaks = |text: &String| text.contains(['\r', '\n', '\0']);
        let unframeable = if id.as_ref().is_some_and(breaks) {
            Some(FrameField::Id)
        } else if event.as_ref().is_some_and(|event| event.is_empty() || breaks(event)) {
            Some(FrameField::Event)
        } else {
            data.as_ref().is_some_and(|data| data.contains('\r')).then_some(FrameField::Data)
        };
        let encoded = frame.encode(&mut wire);
        prop_assert_eq!(encoded.err().map(|error| error.field), unframeable);
        if unframeable.is_some() {
            prop_assert_eq!(wire.len(), before, "nothing is written on an error");
            return Ok(());
        }
        let (reading, result) = read(&cut(&wire, &places), usize::MAX);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(reading.retry_ms, retry_ms);
        prop_assert_eq!(&*reading.last_event_id, id.as_deref().unwrap_or_default());
        let expected = data.map(|data| DecodedEvent {
            event: event.unwrap_or_else(|| "message".to_owned()),
            data,
            last_event_id: id.as_deref().unwrap_or_default().into(),
            sets_id: id.is_some(),
            groups: String::new(),
        });
        prop_assert_eq!(reading.events[1..].first(), expected.as_ref());
        prop_assert!(reading.events.len() <= 2);
    }

    #[test]
    fn an_app_event_decodes_to_itself_under_its_id(
        name in "[a-z_\u{e9} :]{1,12}", json in "[^\r]{0,40}", sequence: u64, epoch in "[A-Za-z0-9._~:-]{1,107}",
    ) {
        prop_assume!(!name.starts_with(RESERVED_PREFIX));
        let id = Epoch::new(&epoch).expect("within the alphabet").at(sequence);
        let encoded = EncodedEvent::new(&name, &json).expect("frames");
        let body = encoded.body().to_vec();
        let block = encoded.place(&id, &Channel::all().into()).unlabelled();
        prop_assert!(block.ends_with(&body));
        let (reading, result) = read(&[&block], usize::MAX);
        prop_assert_eq!(result, Ok(()));
        let expected =
            DecodedEvent { event: name, data: json, last_event_id: id.to_string().into(), sets_id: true, groups: String::new() };
        prop_assert_eq!(reading.events, [expected]);
    }
}

#[test]
fn the_bound_is_exact() {
    // The line "data: 12345" is 11 bytes; once read, its 5 and a line end are held beside the next line.
    let fits = |stream: &str, max_bytes| read(&[stream.as_bytes()], max_bytes).1.is_ok();
    assert!(fits("data: 12345\n\n", 11));
    assert!(!fits("data: 12345\n\n", 10));
    assert!(fits("data: 12345\ndata: 12345\n\n", 6 + 11));
    assert!(!fits("data: 12345\ndata: 12345\n\n", 6 + 10));
    assert!(fits("id: 12345\nevent: 12345\ndata: 12345\n\n", 5 + 5 + 11));
    assert!(!fits("id: 12345\nevent: 12345\ndata: 12345\n\n", 5 + 5 + 10));
}

#[test]
fn the_bound_counts_one_event_and_not_the_stream() {
    let stream = "event: a\ndata: 12345\n\n".repeat(10_000);
    let (reading, result) = read(&[stream.as_bytes()], 16);
    assert_eq!((reading.events.len(), result), (10_000, Ok(())));
}

#[test]
fn replacement_characters_count_as_the_bytes_they_are() {
    // Ten broken bytes are thirty of data.
    let stream = [&b"data:"[..], &[0xFF; 10], b"\n"].concat();
    assert_eq!(read(&[&stream], 30).1, Err(DecodeError::EventTooLarge { max_bytes: 30 }));
    assert_eq!(read(&[&stream], 31).1, Ok(()));
}

#[test]
fn what_never_ends_fails_at_the_bound_and_stays_failed() {
    let endless: [(&str, &[u8]); 4] =
        [("a line", b"x"), ("a comment", b":x"), ("an event", b"data:x\n"), ("an id", b"id")];
    for (what, piece) in endless {
        let mut decoder = Decoder::with_max_bytes("", 1_000);
        let mut events = Vec::new();
        decoder.feed(b"data: before\n\n", &mut events).expect("fits");
        let failed = (0..2_000).map(|_| decoder.feed(piece, &mut events)).find(Result::is_err);
        assert_eq!(failed, Some(Err(DecodeError::EventTooLarge { max_bytes: 1_000 })), "{what}");
        assert!(decoder.feed(b"\n\ndata: after\n\n", &mut events).is_err(), "{what}");
        assert_eq!(events.len(), 1, "{what}: what came before is delivered, nothing after");
    }
}

#[test]
fn an_event_past_the_bound_fails_behind_those_before_it_in_one_chunk() {
    let stream = format!("data: 1\n\ndata: 2\n\ndata: {}\n\ndata: 4\n\n", "x".repeat(100));
    let (reading, result) = read(&[stream.as_bytes()], 64);
    assert_eq!(result, Err(DecodeError::EventTooLarge { max_bytes: 64 }));
    assert_eq!(reading.events.iter().map(|event| &*event.data).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn many_events_under_one_long_id_share_it() {
    let stream = format!("id: {}\ndata\n\ndata\n\n", "x".repeat(100_000));
    let (reading, _) = read(&[stream.as_bytes()], usize::MAX);
    assert_eq!(reading.events[0].last_event_id.as_ptr(), reading.events[1].last_event_id.as_ptr());
}

#[test]
fn an_app_event_may_not_call_itself_a_control_event() {
    for name in ["tidings:", "tidings:gap", "tidings:anything"] {
        assert_eq!(EncodedEvent::new(name, "{}").map_err(|error| error.field).err(), Some(FrameField::Event));
    }
    assert!(EncodedEvent::new("tidings", "{}").is_ok());
}
