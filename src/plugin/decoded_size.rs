//! How much a message weighs once it is decoded: a value of two bytes becomes one of more than a hundred, so they are
//! counted on the wire.

use tonic::Status;

/// Fields of one message. An element of a list has one, and its value another.
const MAX_FIELDS: usize = 200_000;

/// As deep as protobuf decodes.
const MAX_DEPTH: usize = 100;

/// Refuses a message that has too many fields. One that is malformed passes: its decoder says so, and gets no further.
pub(super) fn check(message: &[u8]) -> Result<(), Status> {
    let mut count = 0;
    let _malformed = walk(message, Inside::Request, 0, &mut count);
    if count <= MAX_FIELDS {
        return Ok(());
    }
    Err(Status::invalid_argument(format!("a message has more than {MAX_FIELDS} fields")))
}

/// Whether JSON text has more values than a message may have.
pub(super) fn is_heavy(json: &str) -> bool {
    json.bytes().filter(|byte| b"{[,".contains(byte)).count() > MAX_FIELDS
}

/// The messages of `google/protobuf/struct.proto`, and those that hold them.
#[derive(Clone, Copy)]
enum Inside {
    Request,
    Struct,
    Entry,
    Value,
    List,
}

impl Inside {
    /// What a field with a length holds that is made of fields itself.
    const fn field(self, number: u64) -> Option<Self> {
        match (self, number) {
            // Fields of text are read as if they were of values: a little is counted too much.
            (Self::Request, _) => Some(Self::Struct),
            (Self::Struct, 1) => Some(Self::Entry),
            (Self::Entry, 2) | (Self::List, 1) => Some(Self::Value),
            (Self::Value, 5) => Some(Self::Struct),
            (Self::Value, 6) => Some(Self::List),
            _ => None,
        }
    }
}

/// Counts the fields. `None`: there are too many, or what follows is malformed.
fn walk(mut bytes: &[u8], inside: Inside, depth: usize, count: &mut usize) -> Option<()> {
    while !bytes.is_empty() {
        *count += 1;
        if *count > MAX_FIELDS {
            return None;
        }
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (field, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                if let Some(inside) = inside.field(tag >> 3).filter(|_| depth < MAX_DEPTH) {
                    let _malformed = walk(field, inside, depth + 1, count);
                }
            }
            5 => bytes = bytes.get(4..)?,
            // The ends of groups, which nobody sends, have nothing of their own.
            3 | 4 => {}
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
