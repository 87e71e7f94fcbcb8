//! Every rule of WHATWG HTML § 9.2.6, "Interpreting an event stream", at every split of its bytes.
//!
//! The rows follow the `eventsource/format-*` list of the web platform tests, and add what it leaves out.

#[path = "support/naive_reader.rs"]
mod naive_reader;

use naive_reader::{Reading, read_all};
use protocol::Decoder;

/// Type, data and last event ID of an event.
type Event<'a> = (&'a str, &'a str, &'a str);

fn read(chunks: &[&[u8]]) -> Reading {
    let mut decoder = Decoder::new("");
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk, &mut events).expect("a row is far below the bound");
    }
    Reading { events, last_event_id: decoder.last_event_id().to_owned(), retry_ms: decoder.retry_ms() }
}

/// Reads `stream` whole, byte by byte and cut at every two places; all must be equal, and be `expected`.
fn check(stream: &[u8], expected: &[Event<'_>]) -> Reading {
    let whole = read(&[stream]);
    let got: Vec<Event<'_>> = whole.events.iter().map(|e| (&*e.event, &*e.data, &*e.last_event_id)).collect();
    let shown = String::from_utf8_lossy(stream);
    assert_eq!(got, expected, "{shown:?}");
    assert_eq!(whole, read_all("", stream), "{shown:?} and the reader of these tests");
    assert_eq!(whole, read(&stream.chunks(1).collect::<Vec<_>>()), "{shown:?} byte by byte");
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let chunks = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(whole, read(&chunks), "{shown:?} cut at {first} and {second}");
        }
    }
    whole
}

/// A row of unnamed events without ids.
fn check_data(stream: &[u8], data: &[&str]) {
    check(stream, &data.iter().map(|data| ("message", *data, "")).collect::<Vec<_>>());
}

#[test]
fn a_byte_order_mark_is_dropped_once_and_only_at_the_start() {
    check_data(b"\xEF\xBB\xBFdata:1\n\n\xEF\xBB\xBFdata:2\n\ndata:3\n\n", &["1", "3"]);
    check_data(b"\xEF\xBB\xBF\xEF\xBB\xBFdata:1\n\ndata:2\n\n", &["2"]);
    check_data(b"\n\xEF\xBB\xBFdata:1\n\n", &[]);
    check_data(b"data:\xEF\xBB\xBF\n\n", &["\u{FEFF}"]);
    check_data(b"\xEF\xBBdata:1\n\ndata:2\n\n", &["2"]);
    check_data(b"\xEFdata:1\n\ndata:2\n\n", &["2"]);
    check_data(b"\xEF\xEF\xBB\xBFdata:1\n\ndata:2\n\n", &["2"]);
    check_data(b"\xEF\xBB\xBF\n\ndata:1\n\n", &["1"]);
    check_data(b"\xFE\xFFdata:1\n\ndata:2\n\n", &["2"]);
    check_data(b"\xEF\xBB\xBF", &[]);
}

#[test]
fn lines_end_in_lf_cr_or_crlf_in_any_mixture() {
    for end in ["\n", "\r", "\r\n"] {
        check_data(format!("data:1{end}data:2{end}{end}data:3{end}{end}").as_bytes(), &["1\n2", "3"]);
    }
    check_data(b"data:test\r\ndata\ndata:test\r\n\r", &["test\n\ntest"]);
    check_data(b"data:1\n\rdata:2\n\n", &["1", "2"]);
    check_data(b"data:1\r\r\ndata:2\r\n\ndata:3\n\r\n", &["1", "2", "3"]);
    check_data(b"data:1\r\n\r\n\r\n\ndata:2\r\r\r\r", &["1", "2"]);
    check_data(
        "data:1\u{85}data:2\u{2028}data:3\u{b}\u{c}\n\n".as_bytes(),
        &["1\u{85}data:2\u{2028}data:3\u{b}\u{c}"],
    );
}

#[test]
fn a_cr_at_the_end_of_a_chunk_dispatches_without_the_byte_behind_it() {
    let mut decoder = Decoder::new("");
    let mut events = Vec::new();
    decoder.feed(b"data:1\r\r", &mut events).expect("small");
    assert_eq!(events.len(), 1);
    decoder.feed(b"\n", &mut events).expect("small");
    decoder.feed(b"data:2\r\n\r", &mut events).expect("small");
    assert_eq!(events.len(), 2, "the LF belonged to the CR before it");
    assert_eq!(events[1].data, "2");
    decoder.feed(b"\ndata:3\n", &mut events).expect("small");
    assert_eq!(events.len(), 2);
    decoder.feed(b"\n", &mut events).expect("small");
    assert_eq!(events[2].data, "3");
}

#[test]
fn what_is_not_ended_by_a_blank_line_is_never_dispatched() {
    check_data(b"data:1", &[]);
    check_data(b"data:1\n", &[]);
    check_data(b"data:1\r", &[]);
    let reading = check(b"retry:1000\ndata:1\n\nid:late\nevent:x\ndata:2\n", &[("message", "1", "")]);
    assert_eq!(reading.last_event_id, "", "an id counts only at its blank line");
    let reading = check(b"id:a\n\nretry:7\nid:b\nretry:8", &[]);
    assert_eq!((reading.last_event_id.as_str(), reading.retry_ms), ("a", Some(7)));
    check_data(b"", &[]);
}

#[test]
fn data_lines_join_and_empty_ones_count() {
    check_data(b"data:\n\ndata\ndata\n\ndata:test\n\n", &["", "\n", "test"]);
    check_data(b"data:\ndata:\ndata:\n\n", &["\n\n"]);
    check_data(b"data:msg\ndata: msg\n\n:\n\ndata:false\n\ndata:true\n\n", &["msg\nmsg", "false", "true"]);
    check_data(b"\n\n\ndata:1\n\n\n\n", &["1"]);
}

#[test]
fn a_field_is_what_stands_before_the_first_colon() {
    check_data(b"data:a:b: c\n\n", &["a:b: c"]);
    check_data(b"data::\n\n", &[":"]);
    check_data(b"data :1\n\n", &[]);
    check_data(b" data:1\n\n", &[]);
    check_data(b"Data:1\nDATA:2\ndata\0:3\n\0data:4\nda-ta:5\ndata_6\n\n", &[]);
    check_data(
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        &["\0\n 2\n1\n3\n\n4"],
    );
    check_data(b"data:1\n data\ndata\nfoo:x\njust text\n:a comment\ndata:2\n\n", &["1\n\n2"]);
}

#[test]
fn one_leading_space_of_a_value_is_dropped_and_nothing_else() {
    check_data(b"data:\ttest\rdata: \ndata:test\n\n", &["\ttest\n\ntest"]);
    check_data(b"data:  two \n\n", &[" two "]);
    check_data("data:\u{a0}x\n\n".as_bytes(), &["\u{a0}x"]);
    check(b"event: a\nid:  b\ndata\n\n", &[("a", "", " b")]);
}

#[test]
fn comments_say_nothing() {
    let long = "x".repeat(40);
    let stream = format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    check_data(stream.as_bytes(), &["1\n2\n3\n4"]);
    check_data(b":\n\n:keep-alive\n\n: data:1\n\n", &[]);
}

#[test]
fn the_type_is_the_last_event_field_of_its_block() {
    check(b"event:test\ndata:x\n\ndata:x\n\n", &[("test", "x", ""), ("message", "x", "")]);
    check(b"event:a\nevent:b\ndata:x\n\n", &[("b", "x", "")]);
    check(b"event: \ndata:x\n\nevent\ndata:y\n\n", &[("message", "x", ""), ("message", "y", "")]);
    check(b"event:a\nevent:\ndata:x\n\n", &[("message", "x", "")]);
    check(b"event:a\n\ndata:x\n\n", &[("message", "x", "")]);
    check(b"data:x\nevent:a\n\n", &[("a", "x", "")]);
    check("event: d\u{e9}j\u{e0} vu\0\ndata:x\n\n".as_bytes(), &[("d\u{e9}j\u{e0} vu\0", "x", "")]);
}

#[test]
fn an_id_holds_until_another_replaces_or_resets_it() {
    check(
        b"id:1\ndata:1\n\ndata:2\n\nid:2\ndata:3\n\n",
        &[("message", "1", "1"), ("message", "2", "1"), ("message", "3", "2")],
    );
    for reset in ["id:", "id: ", "id"] {
        let stream = format!("id:1\ndata:1\n\n{reset}\ndata:2\n\ndata:3\n\n");
        let reading =
            check(stream.as_bytes(), &[("message", "1", "1"), ("message", "2", ""), ("message", "3", "")]);
        let sets: Vec<_> = reading.events.iter().map(|event| event.sets_id).collect();
        assert_eq!(sets, [true, true, false], "{reset:?}");
    }
    check(b"id:a\nid:b\ndata\n\n", &[("message", "", "b")]);
    check(b"data\nid: late in its block \n\n", &[("message", "", "late in its block ")]);
}

#[test]
fn an_id_with_nul_is_as_if_it_were_not_there() {
    check(b"id:a\n\nid:b\0\ndata\n\n", &[("message", "", "a")]);
    check(b"id:\0\ndata\n\n", &[("message", "", "")]);
    check(b"id:a\nid:\0b\ndata\n\n", &[("message", "", "a")]);
    let reading = check(b"id:\0\ndata\n\n", &[("message", "", "")]);
    assert!(!reading.events[0].sets_id);
}

#[test]
fn the_id_of_a_block_without_data_counts() {
    let reading = check(b"id:1\n\n", &[]);
    assert_eq!(reading.last_event_id, "1");
    let reading = check(b"id:1\nevent:x\n\ndata\n\n", &[("message", "", "1")]);
    assert!(!reading.events[0].sets_id, "the block before set it");
    let reading = check(b"id:1\ndata:1\n\nid\n\n", &[("message", "1", "1")]);
    assert_eq!(reading.last_event_id, "");
}

#[test]
fn a_reader_that_goes_on_starts_from_the_id_it_was_given() {
    let mut decoder = Decoder::new("before");
    let mut events = Vec::new();
    decoder.feed(b"data:1\n\nid:after\ndata:2\n\n", &mut events).expect("small");
    assert_eq!((&*events[0].last_event_id, events[0].sets_id), ("before", false));
    assert_eq!((&*events[1].last_event_id, events[1].sets_id), ("after", true));
}

#[test]
fn retry_takes_digits_only() {
    let retry = |stream: &[u8]| check(stream, &[]).retry_ms;
    assert_eq!(retry(b"retry:3000\n"), Some(3000));
    assert_eq!(retry(b"retry: 3000\n\n"), Some(3000));
    assert_eq!(retry(b"retry:0\n"), Some(0));
    assert_eq!(retry(b"retry:007\n"), Some(7));
    assert_eq!(retry(b"retry:3000\nretry:1000x\n"), Some(3000));
    assert_eq!(retry(b"retry:3000\nretry:1000\n"), Some(1000));
    assert_eq!(retry(b"retry:18446744073709551615\n"), Some(u64::MAX));
    assert_eq!(retry(b"retry:18446744073709551616\n"), Some(u64::MAX), "no wrapping around");
    assert_eq!(retry(b"retry:99999999999999999999999999999999999\n"), Some(u64::MAX));
    for bogus in ["", " ", "  1", "+1", "-1", "1.5", "1e3", "0x10", "1 ", "x", "\u{661}", "1\0"] {
        assert_eq!(retry(format!("retry:{bogus}\n").as_bytes()), None, "{bogus:?}");
    }
    assert_eq!(retry(b"retry\n"), None);
    assert_eq!(retry(b"Retry:1\n"), None);
    assert_eq!(retry(b"retry:1"), None, "an unfinished line");
}

#[test]
fn invalid_utf_8_becomes_replacement_characters_wherever_it_is_cut() {
    check_data(
        "data:ok\u{2026} \u{1F600}\u{E000}\u{10FFFF}\n\n".as_bytes(),
        &["ok\u{2026} \u{1F600}\u{E000}\u{10FFFF}"],
    );
    let one = |bytes: &[u8], expected: &str| {
        let stream = [b"data:", bytes, b"\n\n"].concat();
        check_data(&stream, &[expected]);
    };
    one(b"\xFF", "\u{FFFD}");
    one(b"a\x80b", "a\u{FFFD}b");
    one(b"\xC0\x80", "\u{FFFD}\u{FFFD}");
    one(b"\xE2\x82", "\u{FFFD}");
    one(b"\xE2\x82x", "\u{FFFD}x");
    one(b"\xF0\x9F\x98", "\u{FFFD}");
    one(b"\xF0\x9F\x98\xF0\x9F\x98\x80", "\u{FFFD}\u{1F600}");
    one(b"\xE0\x80\x80", "\u{FFFD}\u{FFFD}\u{FFFD}");
    one(b"\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}");
    one(b"\xF4\x90\x80\x80", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}");
    check_data(b"data:\xE2\x82\rdata:\xF0\n\n", &["\u{FFFD}\n\u{FFFD}"]);
    check_data(b"da\xFFta:1\n\ndata\xFF:1\n\n", &[]);
    check(b"id:\xFF\nevent:\xFE\ndata\n\n", &[("\u{FFFD}", "", "\u{FFFD}")]);
}

#[test]
fn nul_is_a_character_like_any_other_in_data() {
    check_data(b"data:\0\n\n", &["\0"]);
    check_data(b"data:a\0b\n\n", &["a\0b"]);
}
