'use strict';
// Runs functions: POST / with a JSON body that names one.

const { AsyncLocalStorage } = require('node:async_hooks');
const { createHash, timingSafeEqual } = require('node:crypto');
const { existsSync } = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const MAX_BODY = 20 * 1024 * 1024; // bytes
const MAX_TIMEOUT = 900; // seconds, for requests that name none
const IDLE = 60000; // milliseconds
const GRACE = 5000; // milliseconds for running requests after SIGTERM
const BODILESS = [204, 205, 304]; // statuses whose answers have no body

const key = process.env.INTERNAL_RUNTIME_KEY ?? '';
delete process.env.INTERNAL_RUNTIME_KEY; // not the function's business

// The answer that code running for a request belongs to, also when it throws
// long after the function has returned.
const current = new AsyncLocalStorage();

class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Answer is sent once; whatever comes later is dropped.
class Answer {
  constructor(response) {
    this.response = response;
    this.done = new Promise((resolve) => { this.finish = resolve; });
  }

  write(status, type, body) {
    if (this.response.writableEnded || this.response.destroyed) return;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`status code ${status} is not between 200 and 599`);
    }
    const bytes = Buffer.from(BODILESS.includes(status) ? '' : body);
    const length = BODILESS.includes(status) && status !== 205 ? {} : { 'content-length': bytes.length };
    this.response.setTimeout(IDLE); // for a client that reads nothing of it
    this.response.writeHead(status, { 'content-type': type, ...length });
    this.response.end(bytes);
    this.finish();
  }

  fail(error) {
    const { code, message } = told(error);
    this.write(code, 'application/json', JSON.stringify({ code, message }));
  }
}

// told makes a code and a message of whatever was thrown, also of what throws
// when it is looked at.
function told(error) {
  try {
    if (error instanceof Failure) return error;
    const stack = error instanceof Error ? error.stack : undefined;
    return { code: 500, message: typeof stack === 'string' ? stack : String(error) };
  } catch {
    return { code: 500, message: 'The function threw what cannot be told' };
  }
}

function encode(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`no JSON for a value of type ${typeof value}`);
  return text;
}

// digest makes inputs of equal length, so that comparing takes the same time
// for all of them.
const digest = (text) => createHash('sha256').update(text).digest();

function authorized(request) {
  const challenge = request.headers['x-internal-challenge'] ?? '';
  return key !== '' && timingSafeEqual(digest(challenge), digest(key));
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Failure(413, `Body exceeds ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body) {
  let call;
  try {
    call = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new Failure(400, `Body is not JSON: ${error.message}`);
  }
  const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
  if (!isObject(call)) throw new Failure(400, 'Body is not a JSON object');
  const { path: folder, file, env = {}, headers = {}, payload = '', timeout = MAX_TIMEOUT } = call;
  if (typeof folder !== 'string' || folder === '') throw new Failure(400, 'path is not a string');
  if (typeof file !== 'string' || file === '') throw new Failure(400, 'file is not a string');
  if (typeof payload !== 'string') throw new Failure(400, 'payload is not a string');
  if (!isObject(env)) throw new Failure(400, 'env is not an object');
  if (!isObject(headers)) throw new Failure(400, 'headers is not an object');
  if (typeof timeout !== 'number' || !(timeout > 0)) throw new Failure(400, 'timeout is not a number of seconds');
  return { source: path.join(folder, file), env, headers, payload, timeout: Math.min(timeout, MAX_TIMEOUT) };
}

// load returns the function of a file: module.exports, or the default export.
async function load(source) {
  if (!existsSync(source)) throw new Failure(404, `Function not found: ${source}`);
  const module = await import(pathToFileURL(source).href);
  for (const candidate of [module.default, module.default?.default]) {
    if (typeof candidate === 'function') return candidate;
  }
  throw new Failure(404, `${source} exports no function`);
}

async function run(call, answer) {
  const handler = await load(call.source);
  const request = { env: call.env, headers: call.headers, payload: call.payload };
  const response = {
    send: (text, status = 200) => answer.write(status, 'text/plain; charset=utf-8', String(text)),
    json: (value, status = 200) => answer.write(status, 'application/json', encode(value)),
  };
  await handler(request, response);
}

async function handle(request, answer) {
  if (request.method !== 'POST') throw new Failure(405, 'Only POST runs a function');
  if (!authorized(request)) throw new Failure(401, 'Unauthorized');
  const call = parse(await readBody(request));
  const timer = setTimeout(() => {
    answer.fail(new Failure(500, `Function did not answer within ${call.timeout} seconds`));
  }, call.timeout * 1000);
  try {
    await Promise.race([run(call, answer), answer.done]);
    await answer.done; // the function may answer after it has returned
  } finally {
    clearTimeout(timer);
  }
}

// discard reads a body that is not wanted, so that the client gets to read the
// answer; what goes on for too long is cut off.
function discard(request) {
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size > MAX_BODY) request.destroy();
  });
  request.resume();
}

const owed = new WeakMap(); // socket → requests and responses that are not sent

const server = http.createServer((request, response) => {
  const { socket } = request;
  owed.set(socket, [...owed.get(socket) ?? [], { request, response }]);
  response.on('close', () => owed.set(socket, owed.get(socket).filter((o) => o.response !== response)));
  const answer = new Answer(response);
  response.on('close', answer.finish);
  current.run(answer, () => handle(request, answer).catch((error) => {
    answer.fail(error);
    discard(request);
  }));
});
server.requestTimeout = IDLE; // for all of a request to come
server.on('clientError', (error, socket) => {
  const last = owed.get(socket)?.findLast(({ request }) => request.complete);
  if (!last) return refuse(error, socket);
  return last.response.once('close', () => refuse(error, socket)); // what came before is answered first
});

function refuse(error, socket) {
  if (!socket.writable) return;
  const body = JSON.stringify({ code: 400, message: `Bad request: ${error.code}` });
  socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

// What a function throws late fails its request, not the server.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    console.error(told(error).message);
    current.getStore()?.fail(error);
  });
}

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), GRACE).unref();
});

server.listen(3000, '0.0.0.0');
