//! The part of Protocol Buffers' encoding and of `onnx.proto3` that models need.
//!
//! A field is a key `number << 3 | kind` and a value: kind 0 a variable-length integer, kind 2 a length and as many bytes, kind 5 four
//! bytes, lowest first. Repeated numbers are packed into one field of kind 2.

use crate::{Error, Result};

/// Fields one after the other.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn variable(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.variable(u64::from(field << 3));
        self.variable(value.cast_unsigned());
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.variable(u64::from(field << 3 | 2));
        self.variable(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn floats(&mut self, field: u32, values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, &bytes);
    }

    fn ints(&mut self, field: u32, values: &[i64]) {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.variable(value.cast_unsigned()));
        self.message(field, &packed);
    }
}

/// Number of 32-bit floats among `TensorProto.DataType`.
const FLOAT: i64 = 1;

/// `TensorProto`: a constant.
pub(super) struct Tensor {
    pub(super) name: String,
    shape: Vec<i64>,
    values: Vec<f32>,
}

impl Tensor {
    pub(super) fn floats(name: &str, shape: Vec<usize>, values: impl Iterator<Item = f64>) -> Result<Self> {
        let values = values.map(|value| super::single(name, value)).collect::<Result<_>>()?;
        let shape = shape.into_iter().map(size).collect::<Result<_>>()?;
        Ok(Self { name: name.to_owned(), shape, values })
    }

    pub(super) fn message(&self) -> Message {
        let mut tensor = Message::default();
        tensor.ints(1, &self.shape);
        tensor.int(2, FLOAT);
        tensor.text(8, &self.name);
        // raw_data: lowest byte first
        tensor.floats(9, &self.values);
        tensor
    }
}

/// `AttributeProto`.
pub(super) enum Attribute {
    Int(&'static str, i64),
    String(&'static str, &'static str),
    Floats(&'static str, Vec<f32>),
    Ints(&'static str, Vec<i64>),
    Strings(&'static str, Vec<&'static str>),
}

impl Attribute {
    /// Name; the value in its field; its number among `AttributeType`.
    fn message(&self) -> Message {
        let mut attribute = Message::default();
        let kind = match self {
            Self::Int(name, value) => {
                attribute.text(1, name);
                attribute.int(3, *value);
                2
            }
            Self::String(name, value) => {
                attribute.text(1, name);
                attribute.text(4, value);
                3
            }
            Self::Floats(name, values) => {
                attribute.text(1, name);
                attribute.floats(7, values);
                6
            }
            Self::Ints(name, values) => {
                attribute.text(1, name);
                attribute.ints(8, values);
                7
            }
            Self::Strings(name, values) => {
                attribute.text(1, name);
                values.iter().for_each(|value| attribute.text(9, value));
                8
            }
        };
        attribute.int(20, kind);
        attribute
    }
}

/// `NodeProto` with one output.
pub(super) struct Node {
    pub(super) operator: &'static str,
    pub(super) domain: &'static str,
    pub(super) inputs: Vec<String>,
    pub(super) output: String,
    pub(super) attributes: Vec<Attribute>,
}

impl Node {
    pub(super) fn message(&self, output: &str) -> Message {
        let mut node = Message::default();
        self.inputs.iter().for_each(|input| node.text(1, input));
        node.text(2, output);
        node.text(3, &format!("{}_{}", self.operator, self.output));
        node.text(4, self.operator);
        self.attributes.iter().for_each(|attribute| node.message(5, &attribute.message()));
        if !self.domain.is_empty() {
            node.text(7, self.domain);
        }
        node
    }
}

/// `ValueInfoProto`: `[rows, columns]` of 32-bit floats.
pub(super) fn value(name: &str, columns: usize) -> Result<Message> {
    let (mut rows, mut width) = (Message::default(), Message::default());
    rows.text(2, "rows");
    width.int(1, size(columns)?);
    let mut shape = Message::default();
    shape.message(1, &rows);
    shape.message(1, &width);
    let mut tensor = Message::default();
    tensor.int(1, FLOAT);
    tensor.message(2, &shape);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut value = Message::default();
    value.text(1, name);
    value.message(2, &kind);
    Ok(value)
}

/// `OperatorSetIdProto`.
pub(super) fn operators(domain: &str, version: i64) -> Message {
    let mut set = Message::default();
    set.text(1, domain);
    set.int(2, version);
    set
}

/// `StringStringEntryProto`.
pub(super) fn pair(key: &str, value: &str) -> Message {
    let mut pair = Message::default();
    pair.text(1, key);
    pair.text(2, value);
    pair
}

fn size(size: usize) -> Result<i64> {
    i64::try_from(size).map_err(|_| Error::caller("a size beyond 63 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of the encoding's documentation: 150 in field 1, "testing" in field 2, packed 3, 270, 86942 in field 6.
    #[test]
    fn known_bytes() {
        let mut message = Message::default();
        message.int(1, 150);
        message.text(2, "testing");
        message.ints(6, &[3, 270, 86942]);
        let expected = [&[0x08, 0x96, 0x01, 0x12, 0x07][..], b"testing", &[0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]].concat();
        assert_eq!(message.into_bytes(), expected);
        let mut negative = Message::default();
        negative.int(3, -1);
        assert_eq!(negative.into_bytes(), [&[0x18][..], &[0xff; 9], &[0x01]].concat());
    }
}
