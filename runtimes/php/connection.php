<?php

declare(strict_types=1);

namespace Runtime;

// Failure is an answer that is an error.
final class Failure extends \Exception
{
}

// Answer is what a client gets.
final class Answer
{
    public function __construct(public readonly int $status, public readonly string $type, public readonly string $body)
    {
    }

    public static function error(int $code, string $message): self
    {
        return new self($code, 'application/json', \json_encode(['code' => $code, 'message' => $message], \JSON_INVALID_UTF8_SUBSTITUTE | \JSON_UNESCAPED_SLASHES));
    }
}

// Call is a request for a function.
final class Call
{
    private function __construct(
        public readonly string $source,
        public readonly array $env,
        public readonly array $headers,
        public readonly string $payload,
        public readonly float $timeout,
    ) {
    }

    // parse checks the body of a request.
    public static function parse(string $body): self
    {
        $object = \json_decode($body); // objects first: [] and {} are not the same
        if ($object === null && \json_last_error() !== \JSON_ERROR_NONE) {
            throw new Failure('Body is not JSON: ' . \json_last_error_msg(), 400);
        }
        if (!$object instanceof \stdClass) {
            throw new Failure('Body is not a JSON object', 400);
        }
        foreach (['env', 'headers', 'payload', 'timeout'] as $name) {
            if (\property_exists($object, $name) && $object->$name === null) {
                throw new Failure("$name is null", 400);
            }
        }
        foreach (['path', 'file'] as $name) {
            if (!\is_string($object->$name ?? null) || $object->$name === '') {
                throw new Failure("$name is not a string", 400);
            }
        }
        foreach (['env', 'headers'] as $name) {
            if (!(($object->$name ?? new \stdClass()) instanceof \stdClass)) {
                throw new Failure("$name is not an object", 400);
            }
        }
        if (!\is_string($object->payload ?? '')) {
            throw new Failure('payload is not a string', 400);
        }
        $timeout = $object->timeout ?? MAX_TIMEOUT;
        if (!\is_int($timeout) && !\is_float($timeout) || !($timeout > 0)) {
            throw new Failure('timeout is not a number of seconds', 400);
        }
        return new self(
            \rtrim($object->path, '/') . '/' . $object->file,
            self::plain($object->env ?? []),
            self::plain($object->headers ?? []),
            $object->payload ?? '',
            (float) \min($timeout, MAX_TIMEOUT),
        );
    }

    // plain makes arrays of objects.
    private static function plain(mixed $value): mixed
    {
        if (\is_float($value) && !\is_finite($value)) {
            throw new Failure('Body has a number that is too large', 400);
        }
        if ($value instanceof \stdClass) {
            $value = (array) $value;
        }
        return \is_array($value) ? \array_map(self::plain(...), $value) : $value;
    }
}

// Connection reads requests of one client, one after the other.
final class Connection
{
    public bool $closed = false;
    public float $deadline;
    private string $in = '';
    private string $out = '';
    private string $body = '';
    private ?array $head = null; // of the request that is read or runs
    private ?Call $call = null; // was read, and not yet taken
    private bool $runs = false;
    private bool $keep = true;
    private bool $bare = false; // the answer to it has no body
    private int $searched = 0; // bytes of what came that have no end of a head
    private bool $lingers = false; // the rest of what comes is dropped
    private int $dropped = 0;

    /** @param resource $socket */
    public function __construct(public readonly mixed $socket, #[\SensitiveParameter] private readonly string $key)
    {
        \stream_set_blocking($socket, false);
        \stream_set_read_buffer($socket, 0);
        \stream_set_chunk_size($socket, 1 << 18);
        $this->deadline = \microtime(true) + IDLE;
    }

    public function busy(): bool
    {
        return $this->head !== null || $this->out !== '';
    }

    public function writes(): bool
    {
        return $this->out !== '';
    }

    public function reads(): bool
    {
        return !$this->runs; // what comes meanwhile waits
    }

    public function take(): ?Call
    {
        [$call, $this->call] = [$this->call, null];
        return $call;
    }

    public function read(): void
    {
        $chunk = @\fread($this->socket, 1 << 18);
        if ($chunk === false || $chunk === '' && \feof($this->socket)) {
            $this->closed = true;
        } elseif ($this->lingers) {
            $this->dropped += \strlen($chunk);
            $this->closed = $this->dropped > 4 * MAX_BODY;
        } else {
            $this->deadline = \microtime(true) + IDLE;
            $this->in .= $chunk;
            $this->advance();
        }
    }

    public function write(): void
    {
        $n = @\fwrite($this->socket, $this->out);
        if ($n === false) {
            $this->closed = true;
            return;
        }
        $this->out = \substr($this->out, $n);
        if ($n > 0) {
            $this->deadline = \microtime(true) + IDLE; // somebody reads it
        }
        if ($this->out !== '') {
            return;
        }
        if (!$this->keep) {
            // Closing now would take the answer away from a client that still sends.
            \stream_socket_shutdown($this->socket, \STREAM_SHUT_WR);
            $this->lingers = true;
            $this->deadline = \microtime(true) + LINGER;
        } elseif (!$this->runs) {
            $this->deadline = \microtime(true) + IDLE;
            $this->advance(); // the next request may be here already
        }
    }

    // answer sends the answer to the request that runs.
    public function answer(Answer $answer, bool $keep = true): void
    {
        $this->runs = false;
        $this->keep = $this->keep && $keep;
        $this->head = null;
        $this->body = '';
        $this->deadline = \microtime(true) + IDLE;
        $bodiless = \in_array($answer->status, [204, 205, 304], true);
        $body = $bodiless ? '' : $answer->body;
        $this->out .= "HTTP/1.1 {$answer->status} Status\r\nContent-Type: {$answer->type}"
            . ($bodiless && $answer->status !== 205 ? '' : "\r\nContent-Length: " . \strlen($body))
            . ($this->keep ? '' : "\r\nConnection: close") . "\r\n\r\n" . ($this->bare ? '' : $body);
        $this->write();
    }

    // advance goes on with the request that is read.
    private function advance(): void
    {
        try {
            if ($this->head === null && !$this->readHead()) {
                return;
            }
            if (!$this->readBody()) {
                return;
            }
        } catch (Failure $failure) {
            $this->keep = false; // what follows is not known
            $this->in = '';
            $this->answer(Answer::error($failure->getCode(), $failure->getMessage()));
            return;
        }
        $this->runs = true;
        $this->deadline = \INF; // the function has one
        try {
            $this->call = Call::parse($this->body);
        } catch (Failure $failure) {
            $this->answer(Answer::error($failure->getCode(), $failure->getMessage()));
        }
        $this->body = '';
    }

    private function readHead(): bool
    {
        $this->in = \ltrim($this->in, "\r\n");
        $end = \strpos($this->in, "\r\n\r\n", \min($this->searched, \strlen($this->in)));
        $this->searched = $end === false ? \max(0, \strlen($this->in) - 3) : 0;
        if ($end === false || $end > MAX_HEAD) {
            if (\strlen($this->in) > MAX_HEAD) {
                throw new Failure('Bad request: the head is too long', 400);
            }
            return false;
        }
        $lines = \explode("\r\n", \substr($this->in, 0, $end));
        $this->in = \substr($this->in, $end + 4);
        if (!\preg_match('~^([A-Z]+) \S+ HTTP/1\.([01])\z~', \array_shift($lines), $first)) {
            throw new Failure('Bad request: not HTTP/1', 400);
        }
        $head = [];
        foreach ($lines as $line) {
            [$name, $value] = \explode(':', $line, 2) + [1 => null];
            if ($value === null) {
                throw new Failure('Bad request: header without a colon', 400);
            }
            $name = \strtolower($name);
            if (\preg_match('/^$|[\s[:cntrl:]]/', $name)) {
                throw new Failure("Bad request: a header's name", 400);
            }
            if (\strpbrk($value, "\r\n\0") !== false) {
                throw new Failure("Bad request: a header's value", 400);
            }
            // Others are not kept: names can be chosen to make an array slow.
            if (\in_array($name, ['content-length', 'transfer-encoding', 'connection', 'expect', 'x-internal-challenge'], true)) {
                if (isset($head[$name]) && \in_array($name, ['content-length', 'transfer-encoding'], true)) {
                    throw new Failure("Bad request: two of $name", 400);
                }
                $head[$name] = \trim($value, " \t");
            }
        }
        $this->bare = $first[1] === 'HEAD';
        $this->head = $head;
        $this->keep = \strtolower($head['connection'] ?? '') !== 'close' && $first[2] === '1';
        if ($first[1] !== 'POST') {
            throw new Failure('Only POST runs a function', 405);
        }
        if ($this->key === '' || !\hash_equals(\hash('sha256', $this->key), \hash('sha256', $head['x-internal-challenge'] ?? ''))) {
            throw new Failure('Unauthorized', 401);
        }
        $coding = $head['transfer-encoding'] ?? null;
        // Another reader may see the end of the request at another place.
        if ($coding !== null && (\strtolower($coding) !== 'chunked' || isset($head['content-length']) || $first[2] === '0')) {
            throw new Failure('Bad request: Transfer-Encoding is not chunked alone', 400);
        }
        if (isset($head['expect'])) {
            $this->out .= "HTTP/1.1 100 Continue\r\n\r\n";
        }
        return true;
    }

    private function readBody(): bool
    {
        if (isset($this->head['transfer-encoding'])) {
            return $this->readChunks();
        }
        $length = $this->head['content-length'] ?? '0';
        if (!\ctype_digit($length)) {
            throw new Failure('Bad request: Content-Length is not a number', 400);
        }
        $this->check((float) $length);
        if (\strlen($this->in) < (int) $length) {
            return false;
        }
        $this->body = \substr($this->in, 0, (int) $length);
        $this->in = \substr($this->in, (int) $length);
        return true;
    }

    // readChunks takes what it has used at its end: taking each chunk would
    // copy the rest each time.
    private function readChunks(): bool
    {
        $at = 0;
        $done = false;
        while (!$done && \preg_match('/\G([0-9a-fA-F]{1,8})[ \t]{0,8}(?:;[^\r\n]{0,200})?\r\n/', $this->in, $line, 0, $at)) {
            $size = (int) \hexdec($line[1]);
            $from = $at + \strlen($line[0]);
            $this->check(\strlen($this->body) + $size);
            if ($size === 0) { // trailers may follow
                $end = \strpos($this->in, "\r\n\r\n", $from - 2);
                if ($end === false && \strlen($this->in) > $from + MAX_HEAD) {
                    throw new Failure('Bad request: the trailers are too long', 400);
                }
                if ($end === false) {
                    break;
                }
                $at = $end + 4;
                $done = true;
            } elseif (\strlen($this->in) < $from + $size + 2) {
                break;
            } elseif (\substr($this->in, $from + $size, 2) !== "\r\n") {
                throw new Failure('Bad request: a chunk is longer than its size', 400);
            } else {
                $this->body .= \substr($this->in, $from, $size);
                $at = $from + $size + 2;
            }
        }
        $this->in = $at > 0 ? \substr($this->in, $at) : $this->in;
        // What is left is nothing, or begins with a line of a size, or its start.
        if (!$done && !\preg_match('/^[0-9a-fA-F]{1,8}[ \t]{0,8}(?:;[^\r\n]{0,200})?(?:\r\n|\r?\z)|^\z/', $this->in)) {
            throw new Failure('Bad request: the body is not chunked as it says', 400);
        }
        return $done;
    }

    private function check(float $size): void
    {
        if ($size > MAX_BODY) {
            throw new Failure('Body exceeds ' . MAX_BODY . ' bytes', 413);
        }
    }
}
