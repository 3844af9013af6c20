//! HTTP/1.1 on the standard library's sockets, one thread a connection.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::Answer;

pub const MAX_BODY: usize = 20 << 20; // bytes
const MAX_HEAD: usize = 64 << 10; // bytes
const IDLE: Duration = Duration::from_secs(60); // that a silent connection is kept

/// An answer that is an error.
pub struct Failure(pub u16, pub String);

/// Why a request is not answered by a function.
pub enum Stop {
    Refuse(Failure),
    Closed,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Stop {
        Stop::Closed
    }
}

fn refuse<T>(code: u16, message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Refuse(Failure(code, message.into())))
}

/// A request before its body. Names of fields are in lower case.
pub struct Head {
    pub method: String,
    pub keep: bool,
    pub fields: HashMap<String, String>,
}

/// Reads requests of one client, one after the other.
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>, // was read ahead
    at: usize,       // what is before was used
}

impl Connection {
    pub fn new(socket: TcpStream) -> io::Result<Connection> {
        socket.set_read_timeout(Some(IDLE))?;
        socket.set_write_timeout(Some(IDLE))?;
        socket.set_nodelay(true)?;
        Ok(Connection { socket, buffer: Vec::new(), at: 0 })
    }

    fn fill(&mut self) -> Result<(), Stop> {
        self.buffer.drain(..std::mem::take(&mut self.at)); // not at each use: it moves the rest
        let mut chunk = [0; 1 << 16];
        let n = self.socket.read(&mut chunk)?;
        if n == 0 {
            return Err(Stop::Closed);
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// Reads up to a separator, which is dropped.
    fn until(&mut self, separator: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
        let mut searched = 0;
        loop {
            let left = &self.buffer[self.at..];
            let found = left[searched..].windows(separator.len()).position(|part| part == separator);
            if let Some(at) = found {
                let text = left[..searched + at].to_vec();
                self.used(text.len() + separator.len());
                return Ok(text);
            }
            if left.len() > limit {
                return refuse(400, "Bad request: too long a line");
            }
            searched = left.len().saturating_sub(separator.len() - 1);
            self.fill()?;
        }
    }

    fn exactly(&mut self, size: usize) -> Result<Vec<u8>, Stop> {
        while self.buffer.len() - self.at < size {
            self.fill()?;
        }
        if self.at == 0 && self.buffer.len() == size {
            return Ok(std::mem::take(&mut self.buffer));
        }
        let bytes = self.buffer[self.at..self.at + size].to_vec();
        self.used(size);
        Ok(bytes)
    }

    fn used(&mut self, size: usize) {
        self.at += size;
        if self.at == self.buffer.len() {
            // An idle connection does not keep the room of a large body.
            self.buffer = Vec::new();
            self.at = 0;
        }
    }

    pub fn head(&mut self) -> Result<Vec<u8>, Stop> {
        self.until(b"\r\n\r\n", MAX_HEAD)
    }

    pub fn body(&mut self, head: &Head) -> Result<Vec<u8>, Stop> {
        if head.fields.contains_key("expect") {
            self.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if head.fields.contains_key("transfer-encoding") {
            return self.chunks();
        }
        match head.fields.get("content-length") {
            None => Ok(Vec::new()),
            Some(length) => {
                let size = number(length, 10)?;
                self.exactly(size)
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>, Stop> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n", 300)?;
            let size = number(String::from_utf8_lossy(&line).split(';').next().unwrap_or("").trim_end_matches([' ', '\t']), 16)?;
            if body.len() + size > MAX_BODY {
                return too_large();
            }
            if size == 0 {
                self.trailers()?;
                return Ok(body);
            }
            body.append(&mut self.exactly(size)?);
            if self.exactly(2)? != b"\r\n" {
                return refuse(400, "Bad request: a chunk is longer than its size");
            }
        }
    }

    fn trailers(&mut self) -> Result<(), Stop> {
        let mut size = 0;
        while size <= MAX_HEAD {
            let line = self.until(b"\r\n", MAX_HEAD)?;
            if line.is_empty() {
                return Ok(());
            }
            size += line.len();
        }
        refuse(400, "Bad request: the trailers are too long")
    }

    /// Sends an answer; one to HEAD is bare, and some statuses have no body.
    pub fn reply(&mut self, answer: &Answer, keep: bool, bare: bool) -> io::Result<()> {
        let bodiless = matches!(answer.status, 204 | 205 | 304);
        let body: &[u8] = if bodiless { b"" } else { &answer.body };
        let length = if bodiless && answer.status != 205 { String::new() } else { format!("\r\nContent-Length: {}", body.len()) };
        let close = if keep { "" } else { "\r\nConnection: close" };
        let head = format!("HTTP/1.1 {} Status\r\nContent-Type: {}{length}{close}\r\n\r\n", answer.status, answer.kind);
        self.socket.write_all(&[head.as_bytes(), if bare { b"" } else { body }].concat())
    }

    /// Drops what is still coming for a short while: closing before would take the answer away
    /// from the client.
    pub fn discard(&mut self) {
        let mut chunk = [0; 1 << 16];
        if self.socket.shutdown(Shutdown::Write).is_err() || self.socket.set_read_timeout(Some(Duration::from_millis(500))).is_err() {
            return;
        }
        for _ in 0..2048 {
            if self.socket.read(&mut chunk).unwrap_or(0) == 0 {
                return;
            }
        }
    }
}

fn too_large<T>() -> Result<T, Stop> {
    refuse(413, format!("Body exceeds {MAX_BODY} bytes"))
}

fn number(text: &str, radix: u32) -> Result<usize, Stop> {
    if text.is_empty() || !text.chars().all(|c| c.is_digit(radix)) {
        return refuse(400, "Bad request: not a length");
    }
    match usize::from_str_radix(text, radix) {
        Ok(size) if size <= MAX_BODY => Ok(size),
        Ok(_) => too_large(),
        Err(problem) if *problem.kind() == std::num::IntErrorKind::PosOverflow => too_large(),
        Err(_) => refuse(400, "Bad request: not a length"),
    }
}

pub fn parse(bytes: &[u8]) -> Result<Head, Stop> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.trim_start_matches("\r\n").split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or("").split(' ').collect();
    let [method, _, version @ ("HTTP/1.1" | "HTTP/1.0")] = first[..] else {
        return refuse(400, "Bad request: not HTTP/1");
    };
    let mut fields = HashMap::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return refuse(400, "Bad request: header without a colon");
        };
        let name = name.to_ascii_lowercase();
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) || value.contains(['\r', '\n', '\0']) {
            return refuse(400, "Bad request: a line is no header");
        }
        let single = matches!(name.as_str(), "content-length" | "transfer-encoding");
        if single && fields.contains_key(&name) {
            return refuse(400, format!("Bad request: two of {name}"));
        }
        fields.insert(name, value.trim_matches([' ', '\t']).to_string());
    }
    // Another reader may see the end of the request at another place.
    if let Some(coding) = fields.get("transfer-encoding") {
        if !coding.eq_ignore_ascii_case("chunked") || fields.contains_key("content-length") || version == "HTTP/1.0" {
            return refuse(400, "Bad request: Transfer-Encoding is not chunked alone");
        }
    }
    let option = fields.get("connection").map(|option| option.to_ascii_lowercase()).unwrap_or_default();
    Ok(Head { method: method.to_string(), keep: version == "HTTP/1.1" && option != "close", fields })
}
