-- Runs one function: the body of a request is the input, the answer goes to
-- descriptor 3.

local uv = require "luv"
local json = require "dkjson"

local MAX_TIMEOUT = 900 -- seconds, for requests that name none
local OUT = 3

local function write(bytes)
  local at = 0
  while at < #bytes do
    at = at + (uv.fs_write(OUT, bytes:sub(at + 1, at + 1048576), -1) or #bytes) -- nobody waits for it any more
  end
end

-- Response takes the answer of a function; the first one counts.
local Response = {}
Response.__index = Response

local function put(self, status, kind, body)
  if math.type(status) ~= "integer" or status < 200 or status > 599 then
    error("status code " .. tostring(status) .. " is not between 200 and 599", 3)
  end
  if not self.sent then
    self.sent = true
    write(("answer %d %d %s\n"):format(status, #body, kind) .. body)
  end
end

-- send answers with text.
function Response:send(text, status)
  put(self, status or 200, "text/plain; charset=utf-8", tostring(text))
end

-- json answers with JSON.
function Response:json(value, status)
  local text = json.encode(value)
  if not utf8.len(text) then error("no JSON for text that is not UTF-8", 2) end
  put(self, status or 200, "application/json", text)
end

local response = setmetatable({ sent = false }, Response)

-- clean is text that JSON can have.
local function clean(text)
  return utf8.len(text) and text or (text:gsub("[\128-\255]", "?"))
end

local function fail(code, message)
  response:json({ code = code, message = clean(message) }, code)
  os.exit(0)
end

-- drop takes null out of tables: Lua has nil for it.
local function drop(value)
  for key, member in pairs(value) do
    if member == json.null then value[key] = nil elseif type(member) == "table" then drop(member) end
  end
  return value
end

local function object(call, name)
  local value = call[name]
  if value == nil then return setmetatable({}, { __jsontype = "object" }) end
  if type(value) ~= "table" or getmetatable(value).__jsontype ~= "object" then fail(400, name .. " is not an object") end
  return drop(value)
end

-- parse checks the body of a request.
local function parse(body)
  if not utf8.len(body) then fail(400, "Body is not UTF-8") end
  local good, call, at, problem = pcall(json.decode, body, 1, json.null)
  if not good then fail(400, "Body is nested too deeply") end
  if problem then fail(400, "Body is not JSON: " .. problem) end
  if body:find("[^ \t\r\n]", at) then fail(400, "Body is not JSON: trailing text") end
  if type(call) ~= "table" or getmetatable(call).__jsontype ~= "object" then fail(400, "Body is not a JSON object") end
  for _, name in ipairs({ "path", "file" }) do
    if type(call[name]) ~= "string" or call[name] == "" then fail(400, name .. " is not a string") end
  end
  local payload = call.payload == nil and "" or call.payload
  if type(payload) ~= "string" then fail(400, "payload is not a string") end
  local timeout = call.timeout == nil and MAX_TIMEOUT or call.timeout
  if type(timeout) ~= "number" or not (timeout > 0) then fail(400, "timeout is not a number of seconds") end
  write(("timeout %.3f\n"):format(math.min(timeout, MAX_TIMEOUT)))
  return call.path, call.file, { env = object(call, "env"), headers = object(call, "headers"), payload = payload }
end

-- find returns the function of a file: what it returns.
local function find(folder, file)
  local source = folder .. "/" .. file
  local opened = io.open(source)
  if not opened then fail(404, "Function not found: " .. source) end
  opened:close()
  local tree = folder .. "/.rocks/share/lua/5.4/"
  package.path = table.concat({ folder .. "/?.lua", folder .. "/?/init.lua", tree .. "?.lua", tree .. "?/init.lua", package.path }, ";")
  local handler = assert(loadfile(source))()
  if type(handler) ~= "function" then fail(404, source .. " returns no function") end
  return handler
end

local folder, file, request = parse(io.read("a"))
local good, problem = xpcall(function() find(folder, file)(request, response) end, debug.traceback)
if not good then
  local told, message = pcall(tostring, problem)
  if not told then message = "The function raised what cannot be told" end
  io.stderr:write(message, "\n")
  response:json({ code = 500, message = clean(message) }, 500)
end
uv.run() -- what the function has left to do
