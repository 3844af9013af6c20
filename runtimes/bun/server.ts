// Runs functions: POST / with a JSON body that names one.

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MAX_BODY = 20 * 1024 * 1024; // bytes
const MAX_TIMEOUT = 900; // seconds, for requests that name none
const IDLE = 60; // seconds
const GRACE = 5000; // milliseconds for running requests after SIGTERM

const key = process.env.INTERNAL_RUNTIME_KEY ?? "";
delete process.env.INTERNAL_RUNTIME_KEY; // not the function's business

type Answer = { status: number; type: string; body: string };
type Call = {
  source: string;
  env: Record<string, unknown>;
  headers: Record<string, unknown>;
  payload: string;
  timeout: number;
};
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
const digest = (text: string) => createHash("sha256").update(text).digest();

function authorized(request: Request): boolean {
  const challenge = request.headers.get("x-internal-challenge") ?? "";
  return key !== "" && timingSafeEqual(digest(challenge), digest(key));
}

// readBody reads on when a body is too large, and drops that, so that the client
// gets to read the answer; what goes on for too long is cut off.
async function readBody(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
    if (size > 4 * MAX_BODY) break;
  }
  if (size > MAX_BODY) throw new Failure(413, `Body exceeds ${MAX_BODY} bytes`);
  return Buffer.concat(chunks);
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
  if (!await Bun.file(source).exists()) throw new Failure(404, `Function not found: ${source}`);
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
async function serve(request: Request, server: Bun.Server, reply: Reply) {
  if (request.method !== "POST") throw new Failure(405, "Only POST runs a function");
  if (!authorized(request)) throw new Failure(401, "Unauthorized");
  const call = parse(await readBody(request));
  server.timeout(request, 0); // the function has one of its own
  const timer = setTimeout(() => {
    reply.fail(new Failure(500, `Function did not answer within ${call.timeout} seconds`));
  }, call.timeout * 1000);
  try {
    await Promise.race([run(call, reply), reply.answer]);
    await reply.answer;
  } finally {
    clearTimeout(timer);
    server.timeout(request, IDLE); // for the client to read the answer
  }
}

async function handle(request: Request, server: Bun.Server): Promise<Response> {
  const reply = new Reply();
  current.run(reply, () => serve(request, server, reply).catch((error) => reply.fail(error)));
  const { status, type, body } = await reply.answer;
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: { "content-type": type } });
}

// What a function throws late fails its request, not the server.
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => {
    console.error(told(error).message);
    current.getStore()?.fail(error);
  });
}

const server = Bun.serve({
  port: 3000,
  hostname: "0.0.0.0",
  idleTimeout: IDLE,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER, // readBody answers by the contract
  fetch: handle,
});

process.on("SIGTERM", async () => {
  await Promise.race([server.stop(), Bun.sleep(GRACE)]);
  process.exit(0);
});
