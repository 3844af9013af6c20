<?php

declare(strict_types=1);

namespace Runtime;

// Request is what a function is given.
final class Request
{
    public function __construct(public readonly array $env, public readonly array $headers, public readonly string $payload)
    {
    }
}

// Response takes the answer of a function; the first one counts.
final class Response
{
    private bool $sent = false;

    /** @param resource $pipe */
    public function __construct(private $pipe)
    {
    }

    /** Answers with text. */
    public function send(string $text, int $status = 200): void
    {
        $this->put($status, 'text/plain; charset=utf-8', $text);
    }

    /** Answers with JSON. */
    public function json(mixed $value, int $status = 200): void
    {
        $this->put($status, 'application/json', \json_encode($value, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE));
    }

    private function put(int $status, string $type, string $body): void
    {
        if ($status < 200 || $status > 599) {
            throw new \RangeException("status code $status is not between 200 and 599");
        }
        if (!$this->sent) {
            $this->sent = true;
            $frame = "$status $type\n" . \strlen($body) . "\n$body";
            for ($at = 0; $at < \strlen($frame); $at += $n) {
                $n = \fwrite($this->pipe, \substr($frame, $at, 1 << 20));
                if (!$n) {
                    return; // nobody waits for it any more
                }
            }
        }
    }

    public function fail(int $code, string $message): void
    {
        $answer = Answer::error($code, $message);
        $this->put($answer->status, $answer->type, $answer->body);
    }
}

// Running is a function in its process.
final class Running
{
    private string $in = '';
    private ?array $head = null; // status, type and length of the answer
    public readonly float $deadline;

    /** @param resource $pipe */
    private function __construct(
        public readonly mixed $pipe,
        public readonly int $pid,
        public readonly Connection $connection,
        public readonly float $timeout,
    ) {
        $this->deadline = \microtime(true) + $timeout;
    }

    // fork runs a call in a new process, which leaves behind what is not its
    // business.
    public static function fork(Call $call, Connection $connection, callable $leave): self
    {
        $pair = @\stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0);
        $pid = $pair === false ? -1 : @\pcntl_fork();
        if ($pid === -1) {
            throw new Failure('No process for the function', 500);
        }
        [$ours, $theirs] = $pair;
        if ($pid === 0) {
            \pcntl_signal(\SIGTERM, \SIG_DFL);
            \fclose($ours);
            $leave();
            self::main($call, new Response($theirs));
            exit(0);
        }
        \fclose($theirs);
        \stream_set_blocking($ours, false);
        \stream_set_read_buffer($ours, 0);
        \stream_set_chunk_size($ours, 1 << 18);
        return new self($ours, $pid, $connection, $call->timeout);
    }

    // main calls the function. What it throws fails the request.
    private static function main(Call $call, Response $response): void
    {
        // Comes before those that the function registers.
        \register_shutdown_function(static function () use ($response): void {
            $error = \error_get_last();
            if ($error !== null && ($error['type'] & (\E_ERROR | \E_CORE_ERROR | \E_COMPILE_ERROR | \E_USER_ERROR)) !== 0) {
                $response->fail(500, "{$error['message']} in {$error['file']}:{$error['line']}");
            }
        });
        try {
            if (!\is_file($call->source)) {
                throw new Failure("Function not found: {$call->source}", 404);
            }
            \chdir(\dirname($call->source));
            foreach ([\dirname($call->source), '/usr/code'] as $folder) {
                if (\is_file("$folder/vendor/autoload.php")) {
                    require_once "$folder/vendor/autoload.php";
                    break;
                }
            }
            $function = self::load($call->source);
            if (!\is_callable($function)) {
                throw new Failure("{$call->source} returns no function", 404);
            }
            $function(new Request($call->env, $call->headers, $call->payload), $response);
        } catch (Failure $failure) {
            $response->fail($failure->getCode(), $failure->getMessage());
        } catch (\Throwable $thrown) {
            $message = self::describe($thrown);
            \fwrite(\STDERR, "$message\n");
            $response->fail(500, $message);
        }
    }

    // describe tells of what may throw when it is told of.
    private static function describe(\Throwable $thrown): string
    {
        try {
            return (string) $thrown;
        } catch (\Throwable) {
            return $thrown::class . ": {$thrown->getMessage()} in {$thrown->getFile()}:{$thrown->getLine()}";
        }
    }

    // load keeps the variables of the file apart from ours.
    private static function load(string $source): mixed
    {
        return require $source;
    }

    // read returns the answer when it is complete, or the process has ended
    // without one.
    public function read(): ?Answer
    {
        $chunk = @\fread($this->pipe, 1 << 18);
        if ($chunk === false || $chunk === '' && \feof($this->pipe)) {
            return Answer::error(500, 'Function ended without an answer');
        }
        $this->in .= $chunk;
        if ($this->head === null && \preg_match('/^(\d+) ([^\n]+)\n(\d+)\n/', $this->in, $this->head)) {
            $this->in = \substr($this->in, \strlen($this->head[0]));
        }
        if (!$this->head || \strlen($this->in) < (int) $this->head[3]) {
            $this->head = $this->head ?: null;
            return null;
        }
        return new Answer((int) $this->head[1], $this->head[2], $this->in);
    }
}
