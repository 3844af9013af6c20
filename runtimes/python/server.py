"""Runs functions: POST / with a JSON body that names one."""

import asyncio
import hmac
import importlib.util
import inspect
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 20 * 1024 * 1024  # bytes
MAX_HEAD = 64 * 1024  # bytes
MAX_TIMEOUT = 900  # seconds, for requests that name none
IDLE = 60  # seconds that a silent connection is kept
GRACE = 5  # seconds for running requests after SIGTERM
PAUSE = 0.2  # seconds without accepting, when there is no descriptor left
BODILESS = (204, 205, 304)  # statuses whose answers have no body

KEY = os.environ.pop("INTERNAL_RUNTIME_KEY", "").encode()  # not the function's business


class Failure(Exception):
    """An answer that is an error."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class Gone(Exception):
    """The client has left, or is silent for too long."""


class Request:
    """What a function is given."""

    def __init__(self, env, headers, payload):
        self.env = env
        self.headers = headers
        self.payload = payload


class Response:
    """Takes the answer of a function; the first one counts."""

    def __init__(self):
        self._lock = threading.Lock()
        self._sent = threading.Event()
        self._answer = None

    def send(self, text, status=200):
        """Answers with text."""
        self._put(status, "text/plain; charset=utf-8", str(text))

    def json(self, value, status=200):
        """Answers with JSON."""
        self._put(status, "application/json", json.dumps(value, allow_nan=False))

    def _put(self, status, kind, text):
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError(f"status code {status!r} is not between 200 and 599")
        self._finish((status, kind, text.encode("utf-8", "surrogatepass")))

    def _fail(self, error):
        self._finish(error)

    def _finish(self, answer):
        with self._lock:
            if self._answer is None:
                self._answer = answer
                self._sent.set()

    def _wait(self, seconds):
        """Returns the answer; raises what the function raised."""
        if not self._sent.wait(seconds):
            raise Failure(500, f"Function did not answer within {seconds:g} seconds")
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


class Functions:
    """Loads the files of functions, each once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._locks = {}  # of files: one that never ends to load keeps no other
        self._modules = {}

    def load(self, folder, file, seconds):
        """Returns the function main of a file."""
        source = os.path.join(folder, file)
        if source not in self._modules and not os.path.isfile(source):
            raise Failure(404, f"Function not found: {source}")
        with self._lock:
            lock = self._locks.setdefault(source, threading.Lock())
            number = len(self._locks)
        if not lock.acquire(timeout=seconds):
            raise Failure(500, f"{source} is still being loaded")
        try:
            module = self._modules.get(source)
            if module is None:
                module = self._modules[source] = self._execute(folder, source, number)
        finally:
            lock.release()
        main = getattr(module, "main", None)
        if not callable(main):
            raise Failure(404, f"{source} defines no function main")
        return main

    def _execute(self, folder, source, number):
        for path in (os.path.join(folder, ".packages"), folder):
            if path not in sys.path:
                sys.path.insert(0, path)
        spec = importlib.util.spec_from_file_location(f"function_{number}", source)
        if spec is None or spec.loader is None:
            raise Failure(404, f"{source} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


FUNCTIONS = Functions()


def finite(text):
    """Returns a number that Python has no infinity for."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


def refuse(word):
    """Refuses what json takes and JSON has not: NaN, Infinity."""
    raise ValueError(f"{word} is no number")


def parse(body):
    """Checks the body of a request."""
    try:
        call = json.loads(body.decode("utf-8"), parse_float=finite, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Failure(400, f"Body is not JSON: {error}") from error
    if not isinstance(call, dict):
        raise Failure(400, "Body is not a JSON object")
    defaults = {"env": {}, "headers": {}, "payload": "", "timeout": MAX_TIMEOUT}
    call = {**defaults, **call}
    for name in ("path", "file"):
        if not isinstance(call.get(name), str) or not call[name]:
            raise Failure(400, f"{name} is not a string")
    if not isinstance(call["payload"], str):
        raise Failure(400, "payload is not a string")
    for name in ("env", "headers"):
        if not isinstance(call[name], dict):
            raise Failure(400, f"{name} is not an object")
    timeout = call["timeout"]
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
        raise Failure(400, "timeout is not a number of seconds")
    call["timeout"] = min(timeout, MAX_TIMEOUT)
    return call


def run(call, response):
    """Runs the function of a request in a thread of its own."""
    try:
        main = FUNCTIONS.load(call["path"], call["file"], call["timeout"])
        result = main(Request(call["env"], call["headers"], call["payload"]), response)
        if inspect.isawaitable(result):
            asyncio.run(await_all(result, response))
    except BaseException as error:  # SystemExit too: a function cannot end the server
        response._fail(error)


async def await_all(result, response):
    """Waits for a coroutine, and for the tasks that it has left behind. What its
    callbacks raise fails the request too."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: response._fail(context.get("exception") or RuntimeError(context["message"]))
    )
    await result
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left)


def describe(thrown):
    """Tells of an exception, also of one that fails when it is looked at."""
    try:
        return "".join(traceback.format_exception(thrown))
    except BaseException:
        return f"{type(thrown).__name__}, which cannot be told"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, Gone):
            self.close_connection = True

    def parse_request(self):
        """Reads a head, strictly: what two readers may understand in two ways is
        refused, where the library guesses."""
        self.command, self.close_connection = None, True
        try:
            self.parse_head()
        except Failure as failure:
            self.send_error(failure.code, failure.message)
            return False
        option = self.headers.get("connection", b"").lower()
        self.close_connection = option == b"close" or self.request_version == "HTTP/1.0" and option != b"keep-alive"
        return True

    def parse_head(self):
        line, left = self.raw_requestline, MAX_HEAD
        while line == b"\r\n" and left > 0:  # some clients end a body with one
            left -= len(line)
            line = self.rfile.readline(left)
        match = re.fullmatch(rb"([A-Z]+) (\S+) (HTTP/1\.[01])\r\n", line)
        if not match:
            raise Failure(400, "Bad request: not HTTP/1")
        self.headers = {}  # names in lower case
        self.command, self.path, self.request_version = (part.decode("iso-8859-1") for part in match.groups())
        left -= len(line)
        while (line := self.rfile.readline(max(left, 0) + 1)) != b"\r\n":
            left -= len(line)
            if left < 0 or not line:
                raise Failure(400, "Bad request: the head is too long") if line else Gone()
            name, colon, value = line.removesuffix(b"\r\n").partition(b":")
            name = name.decode("iso-8859-1").lower()
            if not colon or not line.endswith(b"\r\n") or re.search(r"^$|[\s\x00-\x1f\x7f]", name) or re.search(rb"[\r\n\0]", value):
                raise Failure(400, "Bad request: a line is no header")
            if name in self.headers and name in ("content-length", "transfer-encoding"):
                raise Failure(400, f"Bad request: two of {name}")
            self.headers[name] = value.strip(b" \t")

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer  # every method: an unknown one has an error object too
        raise AttributeError(name)

    def answer(self):
        self.server.busy.add(self)
        try:
            self.reply(*self.result())
        finally:
            self.server.busy.discard(self)

    def result(self):
        try:
            return self.call()
        except Failure as failure:
            return error(failure.code, failure.message)
        except Gone:
            raise
        except BaseException as thrown:
            return error(500, describe(thrown))

    def call(self):
        if self.command != "POST":
            self.close_connection = True
            raise Failure(405, "Only POST runs a function")
        if not KEY or not hmac.compare_digest(self.headers.get("x-internal-challenge", b""), KEY):
            self.close_connection = True
            raise Failure(401, "Unauthorized")
        try:
            if "expect" in self.headers:
                self.send_response_only(100)
                self.end_headers()
            body = self.body()
        except OSError as problem:
            raise Gone from problem
        call = parse(body)
        response = Response()
        threading.Thread(target=run, args=(call, response), daemon=True).start()
        return response._wait(call["timeout"])

    def body(self):
        if "transfer-encoding" in self.headers:
            return self.chunks()
        length = self.headers.get("content-length", b"0")
        if not re.fullmatch(rb"[0-9]{1,15}", length):
            self.bad("Content-Length is not a number")
        return self.exactly(self.check(int(length)))

    def exactly(self, size):
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionError("the body ended early")
        return body

    def check(self, size):
        if size > MAX_BODY:
            self.close_connection = True
            raise Failure(413, f"Body exceeds {MAX_BODY} bytes")
        return size

    def chunks(self):
        coding = self.headers["transfer-encoding"].lower()
        # Another reader may see the end of the request at another place.
        if coding != b"chunked" or "content-length" in self.headers or self.request_version == "HTTP/1.0":
            self.bad("Transfer-Encoding is not chunked alone")
        body = bytearray()
        while True:
            line = re.fullmatch(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n", self.rfile.readline(300))
            if not line:
                self.bad("Body is not chunked as it says")
            size = int(line[1], 16)
            self.check(len(body) + size)
            if size == 0:
                self.trailers()
                return bytes(body)
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                self.bad("A chunk is longer than its size")

    def trailers(self):
        left = MAX_HEAD
        while (line := self.rfile.readline(left)) != b"\r\n":
            left -= len(line)
            if not line.endswith(b"\n") or left <= 0:
                self.bad("Trailers do not end")

    def bad(self, message):
        """Refuses a request; what follows is not known."""
        self.close_connection = True
        raise Failure(400, message)

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status in BODILESS:
            body = b""
        if status not in BODILESS or status == 205:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if self.close_connection:
            self.discard()

    def discard(self):
        """Reads what is still coming for a short while: closing before would
        take the answer away from the client."""
        self.connection.settimeout(0.2)
        try:
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(1024):
                if not self.connection.recv(65536):
                    return
        except OSError:
            pass

    def send_error(self, code, message=None, explain=None):
        """Is called for requests that are not HTTP."""
        self.close_connection = True
        self.request_version = self.protocol_version  # an answer has a head, whatever was asked
        self.reply(*error(code, message or "Bad request"))

    def log_request(self, *_):
        pass


def error(code, message):
    return code, "application/json", json.dumps({"code": code, "message": message}).encode()


class Server(ThreadingHTTPServer):
    """Listens, and waits for running requests when it is told to end."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address):
        super().__init__(address, Handler)
        self.busy = set()  # handlers that owe an answer

    def get_request(self):
        try:
            return super().get_request()
        except OSError:
            time.sleep(PAUSE)  # the client is still there, and waits
            raise

    def drain(self, seconds):
        """Waits for running requests."""
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            time.sleep(0.02)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, socket.timeout)):
            super().handle_error(request, client_address)


def main():
    server = Server(("0.0.0.0", 3000))

    # shutdown waits for serve_forever, which this thread is in.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.drain(GRACE)
    os._exit(0)  # functions may have left threads behind


if __name__ == "__main__":
    main()
