<?php

declare(strict_types=1);

// Runs functions: POST / with a JSON body that names one. This process does the
// HTTP of all connections; each request runs in a process of its own, a fork.

namespace Runtime;

const MAX_BODY = 20 * 1024 * 1024; // bytes
const MAX_HEAD = 64 * 1024; // bytes
const MAX_TIMEOUT = 900; // seconds, for requests that name none
const MAX_CONNECTIONS = 900; // select() takes 1024 descriptors
const PAUSE = 0.5; // seconds without accepting, when there is no descriptor left
const MAX_RUNNING = 64; // functions at once; others wait, first come, first served
const LOOK = 0.005; // seconds after which it is looked again whether a processor is free
const IDLE = 60; // seconds that a silent connection is kept
const GRACE = 5; // seconds for running requests after SIGTERM
const LINGER = 5; // seconds in which the rest of a refused body is dropped

require __DIR__ . '/function.php';
require __DIR__ . '/connection.php';

// Server is the loop that everything happens in.
final class Server
{
    /** @var array<int, Connection> by the id of their socket */
    private array $connections = [];
    /** @var array<int, Running> by the id of their pipe */
    private array $running = [];
    /** @var list<array{Connection, Call}> */
    private array $waiting = [];
    private bool $ending = false;
    private int $processors;
    private int $most; // connections; functions need descriptors too
    private float $accepts = 0; // no earlier

    /** @param resource $listener */
    public function __construct(private $listener, #[\SensitiveParameter] private string $key)
    {
        $limit = \posix_getrlimit()['soft openfiles'];
        $this->most = \is_int($limit) ? \min(MAX_CONNECTIONS, \max(1, \intdiv($limit, 2))) : MAX_CONNECTIONS;
        $this->processors = \max(1, \preg_match_all('/^processor\s*:/m', (string) \file_get_contents('/proc/cpuinfo')));
    }

    public function run(): void
    {
        \pcntl_async_signals(true);
        \pcntl_signal(\SIGTERM, function (): void { $this->ending = true; });
        $end = \INF;
        while (true) {
            if ($this->ending && $end === \INF) {
                $end = \microtime(true) + GRACE;
                \fclose($this->listener);
            }
            if ($this->ending && ($this->idle() || \microtime(true) > $end)) {
                break;
            }
            $this->turn();
        }
        foreach ($this->running as $running) {
            \posix_kill($running->pid, \SIGKILL);
        }
    }

    // idle reports whether nobody is owed an answer.
    private function idle(): bool
    {
        foreach ($this->connections as $connection) {
            if ($connection->busy()) {
                return false;
            }
        }
        return true;
    }

    // turn waits until something can be done, and does it.
    private function turn(): void
    {
        $read = \array_map(static fn (Running $r) => $r->pipe, \array_values($this->running));
        $write = [];
        if (!$this->ending && \count($this->connections) < $this->most && \microtime(true) >= $this->accepts) {
            $read[] = $this->listener;
        }
        foreach ($this->connections as $connection) {
            if ($connection->writes()) {
                $write[] = $connection->socket;
            } elseif ($connection->reads()) {
                $read[] = $connection->socket;
            }
        }
        $except = null;
        $seconds = $this->patience();
        // A signal interrupts it: that is no error.
        $ready = ($read || $write) ? @\stream_select($read, $write, $except, (int) $seconds, (int) (\fmod($seconds, 1) * 1e6)) : \usleep(20000);
        if ($ready) {
            foreach ($write as $socket) {
                $this->attend($this->connections[\get_resource_id($socket)], static fn (Connection $c) => $c->write());
            }
            foreach ($read as $stream) {
                $this->readable($stream);
            }
        }
        $this->expire();
        $this->start();
        while (\pcntl_waitpid(-1, $status, \WNOHANG) > 0) {
        }
    }

    /** @param resource $stream */
    private function readable($stream): void
    {
        $id = \get_resource_id($stream);
        if ($stream === $this->listener) {
            $socket = @\stream_socket_accept($stream, 0);
            if ($socket !== false) {
                $this->connections[\get_resource_id($socket)] = new Connection($socket, $this->key);
            } else {
                $this->accepts = \microtime(true) + PAUSE;
            }
        } elseif (isset($this->running[$id])) {
            $answer = $this->running[$id]->read();
            if ($answer !== null) {
                $this->finish($id, $answer);
            }
        } elseif (isset($this->connections[$id])) {
            $this->attend($this->connections[$id], static fn (Connection $c) => $c->read());
        }
    }

    // attend lets a connection go on, and takes the call that it may have read.
    private function attend(Connection $connection, callable $step): void
    {
        $step($connection);
        if ($connection->closed) {
            $this->drop($connection);
        } elseif (($call = $connection->take()) !== null) {
            $this->waiting[] = [$connection, $call];
        }
    }

    private function drop(Connection $connection): void
    {
        unset($this->connections[\get_resource_id($connection->socket)]);
        \fclose($connection->socket);
        $connection->closed = true;
    }

    private function finish(int $id, Answer $answer): void
    {
        $running = $this->running[$id];
        unset($this->running[$id]);
        \fclose($running->pipe);
        if (!$running->connection->closed) {
            $this->attend($running->connection, fn (Connection $c) => $c->answer($answer, !$this->ending));
        }
    }

    // free reports whether another process would not take time from those that
    // run. One that waits takes no place from others.
    private function free(): bool
    {
        $running = \count($this->running);
        if ($running >= MAX_RUNNING || $running < $this->processors) {
            return $running < MAX_RUNNING;
        }
        $working = \array_filter($this->running, static function (Running $r): bool {
            $stat = @\file_get_contents("/proc/{$r->pid}/stat"); // none if it has ended
            return $stat !== false && \preg_match('/\) [RD] /', $stat) === 1;
        });
        return \count($working) < $this->processors;
    }

    // start forks for calls that wait.
    private function start(): void
    {
        while ($this->waiting && $this->free()) {
            [$connection, $call] = \array_shift($this->waiting);
            if ($connection->closed) {
                continue;
            }
            $leave = function (): void {
                // The child keeps nothing of the others.
                foreach ($this->connections as $c) {
                    \fclose($c->socket);
                }
                if (\is_resource($this->listener)) {
                    \fclose($this->listener);
                }
                $this->key = '';
            };
            try {
                $running = Running::fork($call, $connection, $leave);
            } catch (Failure $failure) {
                $this->attend($connection, static fn (Connection $c) => $c->answer(Answer::error($failure->getCode(), $failure->getMessage())));
                continue;
            }
            $this->running[\get_resource_id($running->pipe)] = $running;
        }
    }

    // patience is how long nothing has to be looked at.
    private function patience(): float
    {
        $patience = $this->ending ? 0.1 : 30;
        if ($this->waiting && \count($this->running) < MAX_RUNNING) {
            $patience = LOOK;
        }
        if (\microtime(true) < $this->accepts) {
            $patience = \min($patience, PAUSE);
        }
        $next = \microtime(true) + $patience;
        foreach ($this->running as $running) {
            $next = \min($next, $running->deadline);
        }
        foreach ($this->connections as $connection) {
            $next = \min($next, $connection->deadline);
        }
        return \max(0.001, $next - \microtime(true));
    }

    private function expire(): void
    {
        $now = \microtime(true);
        foreach ($this->running as $id => $running) {
            if ($running->deadline < $now) {
                \posix_kill($running->pid, \SIGKILL);
                $this->finish($id, Answer::error(500, "Function did not answer within {$running->timeout} seconds"));
            }
        }
        foreach ($this->connections as $connection) {
            if ($connection->deadline < $now) {
                $this->drop($connection);
            }
        }
    }
}

$key = (string) \getenv('INTERNAL_RUNTIME_KEY');
\putenv('INTERNAL_RUNTIME_KEY'); // not the function's business
unset($_ENV['INTERNAL_RUNTIME_KEY'], $_SERVER['INTERNAL_RUNTIME_KEY']);
\ini_set('display_errors', 'stderr');
\ini_set('memory_limit', '-1'); // the container has one
$listener = \stream_socket_server('tcp://0.0.0.0:3000', $code, $message, context: \stream_context_create(['socket' => ['backlog' => 1024, 'tcp_nodelay' => true]]));
if ($listener === false) {
    \fwrite(\STDERR, "$message\n");
    exit(1);
}
\stream_set_blocking($listener, false);
$server = new Server($listener, $key);
unset($key, $listener);
$server->run();
