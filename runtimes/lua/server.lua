-- Runs functions: POST / with a JSON body that names one. This process does the
-- HTTP of all connections; each request runs in a process of its own, worker.lua.

local uv = require "luv"
local json = require "dkjson"

local MAX_BODY = 20 * 1024 * 1024 -- bytes
local MAX_HEAD = 64 * 1024 -- bytes
local MAX_TIMEOUT = 900 -- seconds, for requests that name none
local MAX_RUNNING = 64 -- functions at once; others wait, first come, first served
local LOOK = 5 -- milliseconds after which it is looked again whether a processor is free
local IDLE = 60 -- seconds that a silent connection is kept
local LINGER = 5 -- seconds in which the rest of a refused body is dropped
local GRACE = 5 -- seconds for running requests after SIGTERM

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local key = os.getenv("INTERNAL_RUNTIME_KEY") or ""
uv.os_unsetenv("INTERNAL_RUNTIME_KEY") -- not the function's business

local ending = false
local running, waiting, owed = 0, {}, 0 -- owed are answers
local processes = {} -- that run functions, by their number
local processors = math.max(1, #uv.cpu_info())
local looking = uv.new_timer()

-- clean is text that JSON can have: what a function writes may be no UTF-8.
local function clean(text)
  return utf8.len(text) and text or (text:gsub("[\128-\255]", "?"))
end

local function failure(code, message)
  message = clean(message)
  return { status = code, type = "application/json", body = json.encode({ code = code, message = message }, { keyorder = { "code", "message" } }) }
end

-- equal compares in a time that depends on the length of the challenge only.
local function equal(challenge)
  local difference = #challenge ~ #key
  for i = 1, #challenge do
    difference = difference | challenge:byte(i) ~ key:byte((i - 1) % #key + 1)
  end
  return difference == 0
end

-- trim drops spaces and tabs at both ends. A pattern that does would go back
-- from each space in between.
local function trim(text)
  local from, to = text:find("[^ \t]") or #text + 1, #text
  while to >= from and (text:byte(to) == 32 or text:byte(to) == 9) do to = to - 1 end
  return text:sub(from, to)
end

local SINGLE = { ["content-length"] = true, ["transfer-encoding"] = true }

-- parse_fields returns the fields of a head, from a position on, or nil and
-- what is wrong.
local function parse_fields(head, at)
  local fields = {}
  while at <= #head do
    local stop = head:find("\r\n", at, true)
    local line = head:sub(at, stop - 1)
    local colon = line:find(":", 1, true)
    if not colon then return nil, "header without a colon" end
    local name = line:sub(1, colon - 1):lower()
    if name == "" or name:find("[%s%c]") then return nil, "a header's name" end
    if line:find("[\r\n\0]") then return nil, "a header's value" end
    if SINGLE[name] and fields[name] then return nil, "two of " .. name end
    fields[name] = trim(line:sub(colon + 1))
    at = stop + 2
  end
  return fields
end

local Connection = {}
Connection.__index = Connection

function Connection.new(socket)
  local self = setmetatable({ socket = socket, timer = uv.new_timer(), buffer = {}, size = 0, body = {}, searched = 1, keep = true }, Connection)
  socket:nodelay(true)
  self:wait(IDLE)
  self.reader = function(problem, chunk)
    if problem or not chunk then
      self:close()
    elseif self.lingers then
      self.dropped = (self.dropped or 0) + #chunk
      if self.dropped > 4 * MAX_BODY then self:close() end
    else
      self.buffer[#self.buffer + 1] = chunk
      self.size = self.size + #chunk
      if self.runs then
        if self.size > MAX_HEAD then self:pause() end -- what comes meanwhile waits
      else
        self:wait(IDLE)
        self:advance()
      end
    end
  end
  socket:read_start(self.reader)
  return self
end

-- pause leaves what comes to the kernel, until the request is answered.
function Connection:pause()
  self.paused = true
  self.socket:read_stop()
end

-- wait closes the connection unless something happens in time.
function Connection:wait(seconds)
  self.timer:start(seconds * 1000, 0, function() self:close() end)
end

-- wait_written closes the connection when nobody reads what it is sent.
function Connection:wait_written()
  local left = self.socket:get_write_queue_size()
  self.timer:start(IDLE * 1000, 0, function()
    if self.socket:get_write_queue_size() < left then self:wait_written() else self:close() end
  end)
end

function Connection:close()
  if not self.closed then
    self.closed = true
    self.timer:close()
    self.socket:close()
    if self.head then
      self.head = nil
      owed = owed - 1
    end
  end
end

-- text is all that was read and not used yet.
function Connection:text()
  if #self.buffer > 1 then self.buffer = { table.concat(self.buffer) } end
  return self.buffer[1] or ""
end

-- take uses some of it.
function Connection:take(size)
  local text = self:text()
  self.buffer = { text:sub(size + 1) }
  self.size = #text - size
  return text:sub(1, size)
end

-- advance goes on with the request that is read.
function Connection:advance()
  if not self.head and not self:read_head() then return end
  if not self:read_body() then return end
  self.runs = true
  self.timer:stop() -- the function has a limit of its own
  local body = table.concat(self.body)
  self.body = {}
  waiting[#waiting + 1] = function()
    if not self.closed then self:run(body) end
  end
  Connection.start()
end

-- works reports whether a process uses a processor, or would; one that waits
-- takes no place from others.
local function works(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end -- it has ended
  local stat = file:read("a") or ""
  file:close()
  return stat:find("%) [RD] ") ~= nil
end

-- free reports whether another process would not take time from those that run.
local function free()
  if running >= MAX_RUNNING or running < processors then return running < MAX_RUNNING end
  local working = 0
  for pid in pairs(processes) do
    if works(pid) then working = working + 1 end
  end
  return working < processors
end

-- start runs what waits, as far as there is room.
function Connection.start()
  while #waiting > 0 and free() do table.remove(waiting, 1)() end
  if #waiting > 0 and running < MAX_RUNNING then looking:start(LOOK, 0, Connection.start) else looking:stop() end
end

-- refuse answers a request; what follows is not known.
function Connection:refuse(code, message)
  if not self.head then
    self.head = {}
    owed = owed + 1
  end
  self.keep = false
  self.buffer, self.size = {}, 0
  self:answer(failure(code, message))
  return false
end

function Connection:read_head()
  local text = self:text()
  local start = text:match("^[\r\n]*()")
  local stop, last = text:find("\r\n\r\n", math.max(start, self.searched), true)
  self.searched = stop and 1 or math.max(1, #text - 2)
  if not stop or stop > MAX_HEAD then
    return #text > MAX_HEAD and self:refuse(400, "Bad request: the head is too long")
  end
  self:take(last)
  local lines = text:sub(start, stop + 1)
  local method, minor = lines:match("^(%u+) %S+ HTTP/1%.([01])\r\n")
  if not method then return self:refuse(400, "Bad request: not HTTP/1") end
  local fields, problem = parse_fields(lines, lines:find("\n", 1, true) + 1)
  if not fields then return self:refuse(400, "Bad request: " .. problem) end
  self.head, self.bare = fields, method == "HEAD"
  owed = owed + 1
  self.keep = minor == "1" and (fields.connection or ""):lower() ~= "close"
  if method ~= "POST" then return self:refuse(405, "Only POST runs a function") end
  if key == "" or not equal(fields["x-internal-challenge"] or "") then return self:refuse(401, "Unauthorized") end
  local coding = fields["transfer-encoding"]
  -- Another reader may see the end of the request at another place.
  if coding and (coding:lower() ~= "chunked" or fields["content-length"] or minor == "0") then
    return self:refuse(400, "Bad request: Transfer-Encoding is not chunked alone")
  end
  if fields.expect then self.socket:write("HTTP/1.1 100 Continue\r\n\r\n") end
  return true
end

function Connection:read_body()
  if self.head["transfer-encoding"] then return self:read_chunks() end
  local length = self.head["content-length"] or "0"
  if not length:match("^%d+$") or #length > 15 then return self:refuse(400, "Bad request: Content-Length is not a number") end
  if tonumber(length) > MAX_BODY then return self:refuse(413, "Body exceeds " .. MAX_BODY .. " bytes") end
  if self.size < tonumber(length) then return false end
  self.body = { self:take(tonumber(length)) }
  return true
end

-- read_chunks takes what it has used at its end: taking each chunk would copy
-- the rest each time.
function Connection:read_chunks()
  if self.missing and self.size < self.missing then return false end
  self.missing = nil
  local text, at = self:text(), 1
  while true do
    local stop = text:find("\r\n", at, true)
    if (stop or #text) - at > 300 then return self:refuse(400, "Bad request: too long a line in the body") end
    if not stop then break end
    local line, start = text:sub(at, stop - 1), stop + 2
    local digits = line:match("^(%x+)[ \t]*$") or line:match("^(%x+)[ \t]*;")
    if not digits then return self:refuse(400, "Bad request: the body is not chunked as it says") end
    local size = #digits > 8 and math.huge or tonumber(digits, 16)
    if (self.chunked or 0) + size > MAX_BODY then return self:refuse(413, "Body exceeds " .. MAX_BODY .. " bytes") end
    if size == 0 then -- trailers may follow
      local _, last = text:find("\r\n\r\n", stop, true)
      if last then
        self:take(last)
        self.chunked = nil
        return true
      end
      if #text - stop > MAX_HEAD then return self:refuse(400, "Bad request: the trailers are too long") end
      break
    end
    if #text < start + size + 1 then
      self.missing = start + size + 2 - at
      break
    end
    if text:sub(start + size, start + size + 1) ~= "\r\n" then
      return self:refuse(400, "Bad request: a chunk is longer than its size")
    end
    self.body[#self.body + 1] = text:sub(start, start + size - 1)
    self.chunked = (self.chunked or 0) + size
    at = start + size + 2
  end
  self:take(at - 1)
  return false
end

local NO_BODY = { [204] = true, [205] = true, [304] = true }

function Connection:answer(answer)
  if self.closed then return end
  self.keep = self.keep and not ending
  local head = { ("HTTP/1.1 %d Status\r\nContent-Type: %s\r\n"):format(answer.status, answer.type) }
  local body = NO_BODY[answer.status] and "" or answer.body
  if answer.status == 205 or not NO_BODY[answer.status] then head[#head + 1] = ("Content-Length: %d\r\n"):format(#body) end
  if not self.keep then head[#head + 1] = "Connection: close\r\n" end
  head[#head + 1] = "\r\n"
  self.socket:write({ table.concat(head), self.bare and "" or body }, function(problem)
    if self.closed then return end
    if problem then return self:close() end
    self.head, self.runs = nil, false
    owed = owed - 1
    if not self.keep then
      -- Closing now would take the answer away from a client that still sends.
      self:wait(LINGER)
      self.socket:shutdown()
    else
      self:wait(IDLE)
      if self.size > 0 then self:advance() end -- the next request is here already
    end
    if self.paused then
      self.paused = nil
      self.socket:read_start(self.reader)
    end
  end)
  self.lingers = not self.keep
  self:wait_written()
end

-- run starts a process for a request, and takes its answer.
function Connection:run(body)
  local input, output, errors, timer = uv.new_pipe(), uv.new_pipe(), uv.new_pipe(), uv.new_timer()
  local answered, log, open = false, "", 2
  running = running + 1

  local function answer(given)
    if answered then return end
    answered = true
    running = running - 1
    timer:close()
    self:answer(given)
    Connection.start()
  end
  -- The process has ended when both of its pipes have: then all is read.
  local function ended(pipe)
    pipe:close()
    open = open - 1
    if open == 0 then answer(failure(500, log ~= "" and log or "Function ended without an answer")) end
  end
  local process, pid
  process, pid = uv.spawn("lua5.4", { args = { here .. "/worker.lua" }, stdio = { input, 1, errors, output } }, function()
    processes[pid] = nil
    process:close()
  end)
  if process then processes[pid] = true end
  if not process then
    for _, pipe in ipairs({ input, output, errors }) do pipe:close() end
    return answer(failure(500, "No process for the function"))
  end
  local function limit(seconds)
    timer:start(math.ceil(seconds * 1000), 0, function()
      if not process:is_closing() then process:kill("sigkill") end
      answer(failure(500, ("Function did not answer within %g seconds"):format(seconds)))
    end)
  end
  limit(MAX_TIMEOUT)

  errors:read_start(function(_, chunk)
    if not chunk then return ended(errors) end
    io.stderr:write(chunk)
    log = (log .. chunk):sub(-10000)
  end)
  local first, head, read, size = "", nil, {}, 0
  output:read_start(function(_, chunk)
    if not chunk then return ended(output) end
    if answered then return end
    if not head then
      first = first .. chunk
      local seconds, rest = first:match("^timeout (%S+)\n(.*)")
      if seconds then
        limit(tonumber(seconds))
        first = rest
      end
      local status, length, kind, from = first:match("^answer (%d+) (%d+) ([^\n]+)\n()")
      if not status then return end
      head = { status = tonumber(status), length = tonumber(length), type = kind }
      chunk = first:sub(from)
    end
    read[#read + 1] = chunk
    size = size + #chunk
    if size >= head.length then answer({ status = head.status, type = head.type, body = table.concat(read) }) end
  end)
  input:write(body, function() input:close() end)
end

local server = uv.new_tcp()
assert(server:bind("0.0.0.0", 3000))
assert(server:listen(1024, function(problem)
  if problem then return end
  local socket = uv.new_tcp()
  server:accept(socket)
  Connection.new(socket)
end))

local signal = uv.new_signal()
signal:start("sigterm", function()
  ending = true
  if not server:is_closing() then server:close() end
  local left = GRACE * 50
  uv.new_timer():start(0, 20, function()
    left = left - 1
    if owed == 0 or left == 0 then os.exit(0) end
  end)
end)
uv.run()
