//! POST / with a JSON body runs the function.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::io::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use crate::http::{self, Connection, Failure, Head, Stop};
use crate::json::{self, Value};
use crate::{Answer, Error, Request, Response};

const MAX_TIMEOUT: f64 = 900.0; // seconds, for requests that name none
const GRACE: usize = 5; // seconds for running requests after SIGTERM
const SIGTERM: i32 = 15;

static BUSY: AtomicUsize = AtomicUsize::new(0); // requests that are owed an answer
static ENDING: AtomicBool = AtomicBool::new(false);
static WAKE: AtomicI32 = AtomicI32::new(-1); // is written to on SIGTERM

thread_local! {
    // Where the last panic of this thread came from.
    static TRACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a function looks like.
type Function = fn(Request, Response) -> Result<(), Error>;

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn write(file: i32, data: *const u8, size: usize) -> isize;
}

extern "C" fn terminate(_: i32) {
    // Nothing else may be done in a handler.
    unsafe { write(WAKE.load(SeqCst), [1].as_ptr(), 1) };
}

/// Answers until SIGTERM.
pub fn serve(function: Function) -> ! {
    let key = std::env::var("INTERNAL_RUNTIME_KEY").unwrap_or_default();
    unsafe { std::env::remove_var("INTERNAL_RUNTIME_KEY") }; // not the function's business
    let key: &'static str = Box::leak(key.into_boxed_str());
    panic::set_hook(Box::new(|info| {
        let trace = format!("{info}\n{}", Backtrace::force_capture());
        let _ = writeln!(std::io::stderr(), "{trace}");
        TRACE.with(|place| *place.borrow_mut() = trace);
    }));
    let (mut awake, wake) = UnixStream::pair().expect("a pair of sockets");
    WAKE.store(wake.as_raw_fd(), SeqCst);
    unsafe { signal(SIGTERM, terminate) };
    thread::spawn(move || {
        let _ = awake.read(&mut [0]);
        ENDING.store(true, SeqCst);
        for _ in 0..GRACE * 50 {
            if BUSY.load(SeqCst) == 0 {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        std::process::exit(0);
    });
    let listener = TcpListener::bind("0.0.0.0:3000").expect("port 3000");
    loop {
        match listener.accept() {
            Ok((socket, _)) if !ENDING.load(SeqCst) => {
                let _ = thread::Builder::new().spawn(move || converse(socket, key, function));
            }
            Ok(_) => {}
            Err(_) => thread::sleep(Duration::from_millis(20)), // too many files, mostly
        }
    }
}

fn converse(socket: TcpStream, key: &str, function: Function) {
    if let Ok(mut connection) = Connection::new(socket) {
        while one(&mut connection, key, function).unwrap_or(false) {}
    }
}

/// Counts a request as long as it lives.
struct Busy;

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, SeqCst);
    }
}

/// Answers one request, and says whether the connection stays open.
fn one(connection: &mut Connection, key: &str, function: Function) -> std::io::Result<bool> {
    let head = connection.head();
    BUSY.fetch_add(1, SeqCst);
    let _busy = Busy;
    let bare = matches!(&head, Ok(bytes) if bytes.starts_with(b"HEAD "));
    let read = head.and_then(|bytes| {
        let head = http::parse(&bytes)?;
        admit(&head, key)?;
        Ok((head.keep, connection.body(&head)?))
    });
    match read {
        Ok((keep, body)) => {
            let answer = run(&body, function).unwrap_or_else(|Failure(code, message)| Answer::error(code, &message));
            let keep = keep && !ENDING.load(SeqCst);
            connection.reply(&answer, keep, bare)?;
            Ok(keep)
        }
        Err(Stop::Refuse(Failure(code, message))) => {
            connection.reply(&Answer::error(code, &message), false, bare)?;
            connection.discard();
            Ok(false)
        }
        Err(Stop::Closed) => Ok(false),
    }
}

/// Decides who may run the function, before a body is read.
fn admit(head: &Head, key: &str) -> Result<(), Stop> {
    if head.method != "POST" {
        return Err(Stop::Refuse(Failure(405, "Only POST runs a function".to_string())));
    }
    match head.fields.get("x-internal-challenge") {
        Some(challenge) if !key.is_empty() && equal(challenge.as_bytes(), key.as_bytes()) => Ok(()),
        _ => Err(Stop::Refuse(Failure(401, "Unauthorized".to_string()))),
    }
}

/// Compares in a time that depends on the length of the challenge only.
fn equal(challenge: &[u8], key: &[u8]) -> bool {
    let mut difference = usize::from(challenge.len() != key.len());
    for (i, byte) in challenge.iter().enumerate() {
        difference |= usize::from(std::hint::black_box(byte ^ key[i % key.len()]));
    }
    difference == 0
}

/// Runs the function in a thread of its own, which goes on when it is too late.
fn run(body: &[u8], function: Function) -> Result<Answer, Failure> {
    let (request, timeout) = parse(body)?;
    let response = Response::new();
    let given = response.clone();
    let started = thread::Builder::new().spawn(move || call(function, request, given));
    if let Err(problem) = started {
        return Err(Failure(500, format!("No thread for the function: {problem}")));
    }
    response.wait(timeout).ok_or_else(|| Failure(500, format!("Function did not answer within {} seconds", timeout.as_secs_f64())))
}

/// Calls the function. What it returns as an error, or panics with, fails the request.
fn call(function: Function, request: Request, response: Response) {
    let given = response.clone();
    // Telling of an error may panic too.
    match panic::catch_unwind(AssertUnwindSafe(|| function(request, given).map_err(|error| chain(&*error)))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => response.finish(Answer::error(500, &error)),
        Err(_) => response.finish(Answer::error(500, &TRACE.with(|trace| trace.borrow().clone()))),
    }
}

/// An error, and what has caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\ncaused by: {error}"));
        cause = error.source();
    }
    text
}

fn parse(body: &[u8]) -> Result<(Request, Duration), Failure> {
    let bad = |message: &str| Failure(400, message.to_string());
    let text = std::str::from_utf8(body).map_err(|_| bad("Body is not UTF-8"))?;
    let value = json::read(text).map_err(|problem| bad(&format!("Body is not JSON: {problem}")))?;
    let Value::Object(mut object) = value else {
        return Err(bad("Body is not a JSON object"));
    };
    let mut map = |name: &str| match object.remove(name) {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(bad(&format!("{name} is not an object"))),
    };
    let (env, headers) = (map("env")?, map("headers")?);
    let payload = match object.remove("payload") {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(_) => return Err(bad("payload is not a string")),
    };
    let timeout = object.get("timeout").map_or(Some(MAX_TIMEOUT), Value::as_f64);
    match timeout {
        Some(seconds) if seconds > 0.0 => Ok((Request { env, headers, payload }, Duration::from_secs_f64(seconds.min(MAX_TIMEOUT)))),
        _ => Err(bad("timeout is not a number of seconds")),
    }
}
