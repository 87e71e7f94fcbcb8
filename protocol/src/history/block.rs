//! An app event as the bytes of the wire, behind the lines that say which groups it is for.
//!
//! Whoever reads several groups, and shows one of them, must know what came for which. An event that a reader gets
//! for another reason than a group carries no such line for that reader, and no line names a group that the reader
//! does not read.

use bytes::Bytes;

use super::Covered;
use crate::ChannelSet;

/// The field of the wire.
const FIELD: &[u8] = b"group: ";

/// A block of the wire. Shared by all who send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First a line for each group, then the block as whoever reads no group gets it.
    bytes: Bytes,
    /// Bytes of those lines.
    labels: u32,
}

impl Block {
    /// A block in front of which `labels` bytes are lines that [`write_labels`] wrote.
    #[cfg(feature = "json")]
    pub(crate) fn labelled(bytes: Bytes, labels: usize) -> Self {
        // 1,000 names of 256 bytes fit into 2^19.
        Self { bytes, labels: labels as u32 }
    }

    /// The block without the lines.
    pub fn unlabelled(&self) -> Bytes {
        self.bytes.slice(self.labels as usize..)
    }

    /// The block with a line for each of its groups.
    pub const fn whole(&self) -> &Bytes {
        &self.bytes
    }

    /// Bytes held, lines included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The block as a reader of `covered` gets it, of an entry at `sequence` for `channels`. Nothing is copied, but
    /// where the entry is for several groups and the reader reads some of them only.
    pub(super) fn for_reader(&self, channels: &ChannelSet, sequence: u64, covered: &[Covered]) -> Bytes {
        if self.labels == 0 || channels.len() == 1 {
            return self.bytes.clone();
        }
        let reached = |covered: &&Covered| sequence > covered.from && channels.contains(&covered.channel);
        let mut names = Vec::new();
        for covered in covered.iter().filter(reached) {
            match covered.channel.group_name() {
                Some(name) => names.push(name),
                None => return self.unlabelled(),
            }
        }
        // Whoever reads a channel twice is told of it once.
        names.sort_unstable();
        names.dedup();
        if names.len() == group_names(channels).count() {
            return self.bytes.clone();
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        bytes.resize(labels_len(names.iter().copied()), 0);
        write_labels(&mut bytes, names.into_iter());
        bytes.extend_from_slice(&self.bytes[self.labels as usize..]);
        bytes.into()
    }
}

impl From<Bytes> for Block {
    /// A block without lines.
    fn from(bytes: Bytes) -> Self {
        Self { bytes, labels: 0 }
    }
}

/// The groups among `channels`, unless everyone reads them.
pub(crate) fn group_names(channels: &ChannelSet) -> impl Iterator<Item = &str> {
    let everyone = channels.iter().next().is_some_and(|first| first.as_str() == "all");
    channels.iter().filter(move |_| !everyone).filter_map(crate::Channel::group_name)
}

/// Bytes of the lines for `names`.
pub(crate) fn labels_len<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| FIELD.len() + name.len() + 1).sum()
}

/// Writes a line for each of `names` into `room`, which is as long as [`labels_len`] says.
pub(crate) fn write_labels<'a>(room: &mut [u8], names: impl Iterator<Item = &'a str>) {
    let mut at = 0;
    for part in names.flat_map(|name| [FIELD, name.as_bytes(), b"\n"]) {
        room[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channel;

    const BLOCK: &str = "id: e-7\ndata: {}\n\n";

    fn set(channels: &[&str]) -> ChannelSet {
        ChannelSet::new(channels.iter().map(|text| Channel::parse(text).expect("a channel"))).expect("a set")
    }

    fn read(channels: &[&str], reads: &[(&str, u64)]) -> String {
        let channels = set(channels);
        let labels = labels_len(group_names(&channels));
        let mut bytes = vec![0; labels];
        write_labels(&mut bytes, group_names(&channels));
        bytes.extend_from_slice(BLOCK.as_bytes());
        let covered: Vec<_> = reads
            .iter()
            .map(|(text, from)| Covered { channel: Channel::parse(text).expect("a channel"), from: *from })
            .collect();
        let block = Block::labelled(bytes.into(), labels);
        assert_eq!(block.unlabelled(), BLOCK);
        String::from_utf8(block.for_reader(&channels, 7, &covered).to_vec()).expect("text")
    }

    #[test]
    fn a_reader_is_told_through_which_of_its_groups_an_event_came_and_of_no_other() {
        for (channels, reads, labels) in [
            (&["group:a"][..], &[("group:a", 0)][..], "group: a\n"),
            (&["user:1"], &[("user:1", 0)], ""),
            (&["group:a", "group:b"], &[("group:a", 0), ("group:b", 0)], "group: a\ngroup: b\n"),
            (&["group:a", "group:b"], &[("group:b", 0), ("group:c", 0)], "group: b\n"),
            (&["group:a", "group:b"], &[("group:b", 0), ("group:a", 7)], "group: b\n"),
            (&["group:a", "group:b"], &[("group:a", 0), ("group:a", 0)], "group: a\n"),
            (&["group:a", "user:1"], &[("user:1", 0), ("group:a", 0)], ""),
            (&["group:a", "user:1"], &[("user:2", 0), ("group:a", 0)], "group: a\n"),
            (&["all", "group:a"], &[("group:a", 0)], ""),
        ] {
            assert_eq!(read(channels, reads), format!("{labels}{BLOCK}"), "{channels:?} {reads:?}");
        }
    }
}
