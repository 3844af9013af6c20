"""Runs functions: POST / with a JSON body that names one."""

import asyncio
import hmac
import importlib.util
import inspect
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 20 * 1024 * 1024  # bytes
MAX_TIMEOUT = 900  # seconds, for requests that name none
IDLE = 60  # seconds that a silent connection is kept
GRACE = 5  # seconds for running requests after SIGTERM

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
        self._put(status, "application/json", json.dumps(value))

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
        self._modules = {}

    def load(self, folder, file):
        """Returns the function main of a file."""
        source = os.path.join(folder, file)
        with self._lock:
            module = self._modules.get(source)
            if module is None:
                if not os.path.isfile(source):
                    raise Failure(404, f"Function not found: {source}")
                module = self._modules[source] = self._execute(folder, source)
        main = getattr(module, "main", None)
        if not callable(main):
            raise Failure(404, f"{source} defines no function main")
        return main

    def _execute(self, folder, source):
        for path in (os.path.join(folder, ".packages"), folder):
            if path not in sys.path:
                sys.path.insert(0, path)
        spec = importlib.util.spec_from_file_location(f"function_{len(self._modules)}", source)
        if spec is None or spec.loader is None:
            raise Failure(404, f"{source} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


FUNCTIONS = Functions()


def parse(body):
    """Checks the body of a request."""
    try:
        call = json.loads(body.decode("utf-8"))
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
        main = FUNCTIONS.load(call["path"], call["file"])
        result = main(Request(call["env"], call["headers"], call["payload"]), response)
        if inspect.isawaitable(result):
            asyncio.run(await_all(result))
    except BaseException as error:  # SystemExit too: a function cannot end the server
        response._fail(error)


async def await_all(result):
    """Waits for a coroutine, and for the tasks that it has left behind."""
    await result
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left)


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
            return error(500, "".join(traceback.format_exception(thrown)))

    def call(self):
        if self.command != "POST":
            self.close_connection = True
            raise Failure(405, "Only POST runs a function")
        challenge = self.headers.get("x-internal-challenge", "").encode("utf-8", "surrogateescape")
        if not KEY or not hmac.compare_digest(challenge, KEY):
            self.close_connection = True
            raise Failure(401, "Unauthorized")
        try:
            body = self.body()
        except OSError as problem:
            raise Gone from problem
        call = parse(body)
        response = Response()
        threading.Thread(target=run, args=(call, response), daemon=True).start()
        return response._wait(call["timeout"])

    def body(self):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self.chunks()
        try:
            length = int(self.headers.get("content-length", "0"))
        except ValueError:
            length = -1
        if length < 0:
            self.close_connection = True
            raise Failure(400, "Content-Length is not a number")
        if length > MAX_BODY:
            self.close_connection = True
            raise Failure(413, f"Body exceeds {MAX_BODY} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the body ended early")
        return body

    def chunks(self):
        body = b""
        while True:
            try:
                size = int(self.rfile.readline(100).split(b";")[0], 16)
            except ValueError as problem:
                self.close_connection = True
                raise Failure(400, "Body is not chunked as it says") from problem
            if size < 0 or len(body) + size > MAX_BODY:
                self.close_connection = True
                raise Failure(413, f"Body exceeds {MAX_BODY} bytes")
            body += self.rfile.read(size)
            while self.rfile.readline(65536).strip():  # the end of the chunk, or trailers
                pass
            if size == 0:
                return body

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
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

    def log_message(self, format, *args):
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
