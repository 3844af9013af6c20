//! What a function is given, and the server that is linked with it.

mod http;
mod json;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub use json::Value;
pub use server::serve;

/// What a function may fail with.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request for a function.
pub struct Request {
    pub env: BTreeMap<String, Value>,
    pub headers: BTreeMap<String, Value>,
    pub payload: String,
}

/// Takes the answer of a function; the first one counts. Clones answer the same request, from
/// whatever thread.
#[derive(Clone)]
pub struct Response {
    status: u16,
    state: Arc<(Mutex<Option<Answer>>, Condvar)>,
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn error(code: u16, message: &str) -> Answer {
        let object = object! { "code" => code, "message" => message };
        Answer { status: code, kind: "application/json", body: object.to_string().into_bytes() }
    }
}

impl Response {
    pub(crate) fn new() -> Response {
        Response { status: 200, state: Arc::new((Mutex::new(None), Condvar::new())) }
    }

    /// The same response with a status code other than 200.
    pub fn status(&self, status: u16) -> Response {
        assert!((200..600).contains(&status), "status code {status} is not between 200 and 599");
        Response { status, state: self.state.clone() }
    }

    /// Answers with text.
    pub fn send(&self, text: impl Into<String>) {
        self.finish(Answer { status: self.status, kind: "text/plain; charset=utf-8", body: text.into().into_bytes() });
    }

    /// Answers with JSON.
    pub fn json(&self, value: impl Into<Value>) {
        self.finish(Answer { status: self.status, kind: "application/json", body: value.into().to_string().into_bytes() });
    }

    pub(crate) fn finish(&self, answer: Answer) {
        let (given, changed) = &*self.state;
        let mut given = given.lock().unwrap();
        if given.is_none() {
            *given = Some(answer);
            changed.notify_all();
        }
    }

    /// Waits for the answer.
    pub(crate) fn wait(&self, limit: Duration) -> Option<Answer> {
        let end = Instant::now() + limit;
        let (given, changed) = &*self.state;
        let mut given = given.lock().unwrap();
        while given.is_none() {
            let left = end.checked_duration_since(Instant::now())?;
            given = changed.wait_timeout(given, left).unwrap().0;
        }
        given.clone()
    }
}
