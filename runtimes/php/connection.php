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
        $array = static fn (?\stdClass $value): array => \json_decode(\json_encode($value ?? []), true);
        return new self(
            \rtrim($object->path, '/') . '/' . $object->file,
            $array($object->env ?? null),
            $array($object->headers ?? null),
            $object->payload ?? '',
            (float) \min($timeout, MAX_TIMEOUT),
        );
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
        $this->out .= "HTTP/1.1 {$answer->status} Status\r\nContent-Type: {$answer->type}\r\nContent-Length: " . \strlen($answer->body)
            . ($this->keep ? '' : "\r\nConnection: close") . "\r\n\r\n{$answer->body}";
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
        $end = \strpos($this->in, "\r\n\r\n");
        if ($end === false || $end > MAX_HEAD) {
            if (\strlen($this->in) > MAX_HEAD) {
                throw new Failure('Bad request: the head is too long', 400);
            }
            return false;
        }
        $lines = \explode("\r\n", \substr($this->in, 0, $end));
        $this->in = \substr($this->in, $end + 4);
        if (!\preg_match('~^([A-Z]+) \S+ HTTP/1\.([01])$~', \array_shift($lines), $first)) {
            throw new Failure('Bad request: not HTTP/1', 400);
        }
        $head = [];
        foreach ($lines as $line) {
            [$name, $value] = \explode(':', $line, 2) + [1 => null];
            if ($value === null) {
                throw new Failure('Bad request: header without a colon', 400);
            }
            $head[\strtolower($name)] = \trim($value);
        }
        $this->head = $head;
        $this->keep = \strtolower($head['connection'] ?? '') !== 'close' && $first[2] === '1';
        if ($first[1] !== 'POST') {
            throw new Failure('Only POST runs a function', 405);
        }
        if ($this->key === '' || !\hash_equals(\hash('sha256', $this->key), \hash('sha256', $head['x-internal-challenge'] ?? ''))) {
            throw new Failure('Unauthorized', 401);
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

    private function readChunks(): bool
    {
        while (\preg_match('/\G([0-9a-fA-F]{1,8})(?:[ \t;][^\r\n]{0,200})?\r\n/', $this->in, $line)) {
            $size = (int) \hexdec($line[1]);
            $from = \strlen($line[0]);
            $this->check(\strlen($this->body) + $size);
            if ($size === 0) { // trailers may follow
                if (!\preg_match('/\G(?:[^\r\n]+\r\n)*\r\n/', $this->in, $rest, 0, $from)) {
                    return false;
                }
                $this->in = \substr($this->in, $from + \strlen($rest[0]));
                return true;
            }
            if (\strlen($this->in) < $from + $size + 2) {
                return false;
            }
            $this->body .= \substr($this->in, $from, $size);
            $this->in = \substr($this->in, $from + $size + 2);
        }
        if (\strlen($this->in) > 300 || \str_contains($this->in, "\r\n")) {
            throw new Failure('Bad request: the body is not chunked as it says', 400);
        }
        return false;
    }

    private function check(float $size): void
    {
        if ($size > MAX_BODY) {
            throw new Failure('Body exceeds ' . MAX_BODY . ' bytes', 413);
        }
    }
}
