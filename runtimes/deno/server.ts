// Runs functions: POST / with a JSON body that names one.

import { AsyncLocalStorage } from "node:async_hooks";
import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MAX_BODY = 20 * 1024 * 1024; // bytes
const MAX_TIMEOUT = 900; // seconds, for requests that name none
const IDLE = 60000; // milliseconds for a body to come
const PAUSE = 200; // milliseconds before it listens again
const GRACE = 5000; // milliseconds for running requests after SIGTERM

const key = Deno.env.get("INTERNAL_RUNTIME_KEY") ?? "";
Deno.env.delete("INTERNAL_RUNTIME_KEY"); // not the function's business

type Answer = { status: number; type: string; body: string };
type Call = {
  source: string;
  env: Record<string, unknown>;
  headers: Record<string, unknown>;
  payload: string;
  timeout: number;
};
// deno-lint-ignore ban-types
type Handler = Function;

class Failure extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

// Reply takes the answer of a function; the first one counts.
class Reply {
  readonly #answer = Promise.withResolvers<Answer>();
  readonly answer = this.#answer.promise;

  write(status: number, type: string, body: string) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`status code ${status} is not between 200 and 599`);
    }
    this.#answer.resolve({ status, type, body });
  }

  fail(error: unknown) {
    const { code, message } = told(error);
    this.write(code, "application/json", JSON.stringify({ code, message }));
  }
}

// told makes a code and a message of whatever was thrown, also of what throws
// when it is looked at.
function told(error: unknown): { code: number; message: string } {
  try {
    if (error instanceof Failure) return error;
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return { code: 500, message: typeof stack === "string" ? stack : String(error) };
  } catch {
    return { code: 500, message: "The function threw what cannot be told" };
  }
}

function encode(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`no JSON for a value of type ${typeof value}`);
  return text;
}

// The reply that code running for a request belongs to, also when it throws
// long after the function has returned.
const current = new AsyncLocalStorage<Reply>();

// digest makes inputs of equal length, so that comparing takes the same time
// for all of them.
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function authorized(request: Request): Promise<boolean> {
  const challenge = request.headers.get("x-internal-challenge") ?? "";
  return key !== "" && timingSafeEqual(await digest(challenge), await digest(key));
}

async function readBody(request: Request): Promise<Uint8Array> {
  // Some more is read before it is refused: a client that still sends may not
  // see the answer.
  const tooLarge = new Failure(413, `Body exceeds ${MAX_BODY} bytes`);
  if (Number(request.headers.get("content-length")) > 4 * MAX_BODY) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body?.values({ preventCancel: true }) ?? []) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
    if (size > 4 * MAX_BODY) break;
  }
  if (size > MAX_BODY) throw tooLarge;
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

// inTime gives up what takes too long to come, or comes broken.
async function inTime<T>(coming: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Failure(400, `Body did not come within ${IDLE / 1000} seconds`)), IDLE);
  try {
    return await Promise.race([coming, late]);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(400, `Body cannot be read: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

function parse(body: Uint8Array): Call {
  let call;
  try {
    call = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new Failure(400, `Body is not JSON: ${(error as Error).message}`);
  }
  const isObject = (v: unknown) => typeof v === "object" && v !== null && !Array.isArray(v);
  if (!isObject(call)) throw new Failure(400, "Body is not a JSON object");
  const { path, file, env = {}, headers = {}, payload = "", timeout = MAX_TIMEOUT } = call;
  if (typeof path !== "string" || path === "") throw new Failure(400, "path is not a string");
  if (typeof file !== "string" || file === "") throw new Failure(400, "file is not a string");
  if (typeof payload !== "string") throw new Failure(400, "payload is not a string");
  if (!isObject(env)) throw new Failure(400, "env is not an object");
  if (!isObject(headers)) throw new Failure(400, "headers is not an object");
  if (typeof timeout !== "number" || !(timeout > 0)) throw new Failure(400, "timeout is not a number of seconds");
  return { source: join(path, file), env, headers, payload, timeout: Math.min(timeout, MAX_TIMEOUT) };
}

// load returns the function of a file: its default export.
async function load(source: string): Promise<Handler> {
  const info = await Deno.stat(source).catch(() => null);
  if (!info?.isFile) throw new Failure(404, `Function not found: ${source}`);
  const module = await import(pathToFileURL(source).href);
  if (typeof module.default !== "function") throw new Failure(404, `${source} exports no function as its default`);
  return module.default;
}

async function run(call: Call, reply: Reply) {
  const handler = await load(call.source);
  const request = { env: call.env, headers: call.headers, payload: call.payload };
  const response = {
    send: (text: unknown, status = 200) => reply.write(status, "text/plain; charset=utf-8", String(text)),
    json: (value: unknown, status = 200) => reply.write(status, "application/json", encode(value)),
  };
  await handler(request, response);
}

// serve fills in the reply; the function may answer after it has returned.
async function serve(request: Request, reply: Reply) {
  if (request.method !== "POST") throw new Failure(405, "Only POST runs a function");
  if (!await authorized(request)) throw new Failure(401, "Unauthorized");
  const call = parse(await inTime(readBody(request)));
  const timer = setTimeout(() => {
    reply.fail(new Failure(500, `Function did not answer within ${call.timeout} seconds`));
  }, call.timeout * 1000);
  try {
    await Promise.race([run(call, reply), reply.answer]);
    await reply.answer;
  } finally {
    clearTimeout(timer);
  }
}

async function handle(request: Request): Promise<Response> {
  const reply = new Reply();
  current.run(reply, () => serve(request, reply).catch((error) => reply.fail(error)));
  const { status, type, body } = await reply.answer;
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: { "content-type": type } });
}

// What a function throws late fails its request, not the server.
for (const type of ["error", "unhandledrejection"] as const) {
  globalThis.addEventListener(type, (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    console.error(told(error).message);
    current.getStore()?.fail(error);
  });
}

let ending = false;
let server: Deno.HttpServer;

// listen begins anew when Deno.serve has ended, as it does when there is no
// descriptor left for a client.
function listen() {
  server = Deno.serve({ port: 3000, hostname: "0.0.0.0", onListen: () => {} }, handle);
  server.finished.catch(() => {}).then(again);
}

function again() {
  if (ending) return;
  setTimeout(() => {
    try {
      listen();
    } catch {
      again(); // there is none for it to listen with
    }
  }, PAUSE);
}

listen();
Deno.addSignalListener("SIGTERM", async () => {
  ending = true;
  await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, GRACE))]);
  Deno.exit(0);
});
