//! JSON, for which the standard library has nothing.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

const MAX_DEPTH: usize = 1000;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// A number, as it is written in JSON.
    Number(String),
    String(String),
    Array(Vec<Value>),
    Object(BTreeMap<String, Value>),
    /// JSON text that another library has made.
    Raw(String),
}

/// Makes a [`Value`] of members: `object! { "name" => value }`.
#[macro_export]
macro_rules! object {
    ($($name:expr => $value:expr),* $(,)?) => {
        $crate::Value::Object([$((String::from($name), $crate::Value::from($value))),*].into_iter().collect())
    };
}

impl Value {
    /// The text of a string; None for all else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a number; None for all else.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => number.parse().ok(),
            _ => None,
        }
    }
}

macro_rules! from_number {
    ($($number:ty)*) => {
        $(impl From<$number> for Value {
            fn from(value: $number) -> Value { Value::Number(value.to_string()) }
        })*
    };
}
from_number!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        if value.is_finite() { Value::Number(value.to_string()) } else { Value::Null }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.to_string())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::String(value)
    }
}

impl From<BTreeMap<String, Value>> for Value {
    fn from(value: BTreeMap<String, Value>) -> Value {
        Value::Object(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(value: Vec<T>) -> Value {
        Value::Array(value.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Clone + Into<Value>> From<&T> for Value {
    fn from(value: &T) -> Value {
        value.clone().into()
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(text) | Value::Raw(text) => f.write_str(text),
            Value::String(text) => quote(f, text),
            Value::Array(values) => {
                f.write_char('[')?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i > 0 { "," } else { "" })?;
                }
                f.write_char(']')
            }
            Value::Object(members) => {
                f.write_char('{')?;
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    quote(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate().filter(|(_, b)| *b < b' ' || *b == b'"' || *b == b'\\') {
        f.write_str(&text[from..at])?;
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", byte as char)?,
            _ => write!(f, "\\u{byte:04x}")?,
        }
        from = at + 1;
    }
    f.write_str(&text[from..])?;
    f.write_char('"')
}

/// Reads JSON text; the error says what is wrong, and where.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { reader.problem("trailing text") } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn problem<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("{what} at byte {}", self.at))
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    /// Skips space and says whether this follows, which is taken.
    fn take(&mut self, what: &str) -> bool {
        self.space();
        let found = self.text[self.at..].starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return self.problem("nested too deeply");
        }
        if self.take("\"") {
            Ok(Value::String(self.string()?))
        } else if self.take("{") {
            self.object(depth)
        } else if self.take("[") {
            self.array(depth)
        } else if self.take("true") {
            Ok(Value::Bool(true))
        } else if self.take("false") {
            Ok(Value::Bool(false))
        } else if self.take("null") {
            Ok(Value::Null)
        } else {
            self.number()
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let mut members = BTreeMap::new();
        if self.take("}") {
            return Ok(Value::Object(members));
        }
        loop {
            if !self.take("\"") {
                return self.problem("no name of a member");
            }
            let name = self.string()?;
            if !self.take(":") {
                return self.problem("no colon");
            }
            members.insert(name, self.value(depth + 1)?);
            if self.take("}") {
                return Ok(Value::Object(members));
            }
            if !self.take(",") {
                return self.problem("an object does not end");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        let mut values = Vec::new();
        if self.take("]") {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.take("]") {
                return Ok(Value::Array(values));
            }
            if !self.take(",") {
                return self.problem("an array does not end");
            }
        }
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at > from
    }

    fn number(&mut self) -> Result<Value, String> {
        let from = self.at;
        self.at += usize::from(self.peek() == b'-');
        let first = self.peek();
        let start = self.at;
        let mut good = self.digits() && (first != b'0' || self.at == start + 1);
        if good && self.peek() == b'.' {
            self.at += 1;
            good = self.digits();
        }
        if good && matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            good = self.digits();
        }
        if good { Ok(Value::Number(self.text[from..self.at].to_string())) } else { self.problem("no JSON value") }
    }

    fn string(&mut self) -> Result<String, String> {
        let mut string = String::new();
        loop {
            let from = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..=31) {
                self.at += 1;
            }
            string.push_str(&self.text[from..self.at]);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => {
                    self.at += 1;
                    string.push(self.escaped()?);
                }
                _ => return self.problem("a string does not end, or has a control character"),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        let c = self.peek();
        self.at += 1;
        Ok(match c {
            b'"' | b'\\' | b'/' => c as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.hex()?;
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00;
                    } else {
                        self.at = back;
                    }
                }
                char::from_u32(code).unwrap_or('\u{fffd}') // half of a pair
            }
            _ => return self.problem("an unknown escape"),
        })
    }

    fn hex(&mut self) -> Result<u32, String> {
        match self.text.as_bytes().get(self.at..self.at + 4) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                self.at += 4;
                Ok(u32::from_str_radix(&self.text[self.at - 4..self.at], 16).unwrap_or(0))
            }
            _ => self.problem("an unknown escape"),
        }
    }
}
