//! Any bytes, cut anywhere, read as a plain reader of the whole text reads them, and never beyond the bound.
#![no_main]

#[path = "../../protocol/tests/support/naive_reader.rs"]
mod naive_reader;

use libfuzzer_sys::fuzz_target;
use naive_reader::{Reading, read_all};
use protocol::{DecodeError, Decoder};

fuzz_target!(|input: &[u8]| {
    // The bound, then the length of the chunks, then the stream.
    let [bound, length, stream @ ..] = input else { return };
    let length = usize::from(*length) % 16 + 1;
    let chunked = |max_bytes| read(stream.chunks(length), max_bytes);
    let whole = |max_bytes| read(std::iter::once(stream), max_bytes);

    let (reading, result) = whole(usize::MAX);
    assert_eq!(result, Ok(()));
    assert_eq!(reading, read_all("", stream));
    assert_eq!((reading.clone(), Ok(())), chunked(usize::MAX));

    let bounded = whole(usize::from(*bound));
    assert_eq!(bounded, chunked(usize::from(*bound)));
    assert!(reading.events.starts_with(&bounded.0.events));
});

fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>, max_bytes: usize) -> (Reading, Result<(), DecodeError>) {
    let mut decoder = Decoder::with_max_bytes("", max_bytes);
    let mut events = Vec::new();
    let mut chunks = chunks;
    let result = chunks.try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let last_event_id = decoder.last_event_id().to_owned();
    (Reading { events, last_event_id, retry_ms: decoder.retry_ms() }, result)
}
