#!/usr/bin/env perl

# Runs functions: POST / with a JSON body that names one. This process does the
# HTTP of all connections; each request runs in a process of its own, a fork.

use v5.36;
use FindBin;
use lib $FindBin::Bin;
use IO::Select;
use IO::Socket::INET;
use List::Util 'max', 'min';
use POSIX ':sys_wait_h';
use Time::HiRes 'time';
use Runtime::Connection;
use Runtime::Function;

my $max_connections = min(900, max(1, POSIX::sysconf(POSIX::_SC_OPEN_MAX) / 2));    # select takes 1024 descriptors; functions need some
my $max_running = 64;         # functions at once; others wait, first come, first served
my $look = 0.005;             # seconds after which it is looked again whether a processor is free
my $grace = 5;                # seconds for running requests after SIGTERM

my $key = delete($ENV{INTERNAL_RUNTIME_KEY}) // '';    # not the function's business
my $listener = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => 3000, Listen => 1024, ReuseAddr => 1, Blocking => 0)
    or die "listen: $@\n";
my (%connections, %running, @waiting);                 # by descriptor; the last has bodies and their connections
my $accepts = 0;                                       # no earlier: there was no descriptor left
my $ending = 0;                                        # when it does

$SIG{TERM} = sub { $ending ||= time };
$SIG{PIPE} = 'IGNORE';

# Lets a connection go on, and takes the request that it may have read.
sub attend ($connection, $step) {
    $step->();
    if ($connection->{closed}) {
        delete $connections{ fileno $connection->{socket} };
        close $connection->{socket};
    }
    elsif (defined(my $body = $connection->take)) {
        push @waiting, [$body, $connection];
    }
    return;
}

sub finish ($running, $answer) {
    delete $running{ fileno $running->{pipe} };
    close $running->{pipe};
    my $connection = $running->{connection};
    attend($connection, sub { $connection->answer($answer, !$ending) }) if !$connection->{closed};
    return;
}

# In a new process: keeps nothing of the others.
sub leave () {
    $SIG{TERM} = $SIG{PIPE} = 'DEFAULT';
    close $_->{socket} for values %connections;
    close $_->{pipe} for values %running;
    close $listener if $listener;
    (%connections, %running, @waiting) = ();
    $key = '';
    return;
}

# How many processes this one may run at once.
my $processors = do {
    open my $info, '<', '/proc/cpuinfo' or die "/proc/cpuinfo: $!\n";
    max(1, scalar grep { /^processor\s*:/ } <$info>);
};

# Whether a process uses a processor, or would; one that waits takes no place
# from others.
sub works ($pid) {
    open my $file, '<', "/proc/$pid/stat" or return 0;    # it has ended
    my $stat = readline $file;
    return defined $stat && $stat =~ /\) [RD] /;
}

# Whether another process would not take time from those that run.
sub is_free () {
    return 0 if keys %running >= $max_running;
    return keys %running < $processors || $processors > grep { works($_->{pid}) } values %running;
}

sub start_waiting () {
    while (@waiting && is_free()) {
        my ($body, $connection) = @{ shift @waiting };
        next if $connection->{closed};
        my $running = Runtime::Function->start($body, $connection, \&leave);
        if ($running) { $running{ fileno $running->{pipe} } = $running }
        else { attend($connection, sub { $connection->answer(Runtime::Response::error(500, "No process for the function: $!"), 1) }) }
    }
    return;
}

sub expire () {
    my $now = time;
    for my $running (grep { $_->{deadline} < $now } values %running) {
        $running->kill;
        finish($running, Runtime::Response::error(500, "Function did not answer within $running->{timeout} seconds"));
    }
    for my $connection (grep { $_->{deadline} < $now } values %connections) {
        attend($connection, sub { $connection->{closed} = 1 });
    }
    return;
}

# Waits until something can be done, and does it.
sub turn () {
    my $read = IO::Select->new(map { $_->{pipe} } values %running);
    my $write = IO::Select->new;
    $read->add($listener) if $listener && keys %connections < $max_connections && time >= $accepts;
    for my $connection (values %connections) {
        if ($connection->writes) { $write->add($connection->{socket}) }
        elsif ($connection->reads) { $read->add($connection->{socket}) }
    }
    my $patience = $ending ? 0.1 : 30;
    $patience = $look if @waiting && keys %running < $max_running;
    $patience = min(0.5, $patience) if time < $accepts;
    my $next = min(time + $patience, map { $_->{deadline} } values %running, values %connections);
    my ($readable, $writable) = IO::Select->select($read, $write, undef, max(0.001, $next - time));
    for my $socket (@{ $writable // [] }) {
        my $connection = $connections{ fileno $socket };
        attend($connection, sub { $connection->write });
    }
    for my $handle (@{ $readable // [] }) {
        my $fd = fileno $handle // next;    # was closed meanwhile
        if ($listener && $handle == $listener) {
            my $socket = $listener->accept;
            if (!$socket) {
                $accepts = time + 0.5 if !$!{EAGAIN} && !$!{EINTR} && !$!{ECONNABORTED};
                next;
            }
            $connections{ fileno $socket } = Runtime::Connection->new($socket, $key);
        }
        elsif (my $running = $running{$fd}) {
            my $answer = $running->read;
            finish($running, $answer) if $answer;
        }
        elsif (my $connection = $connections{$fd}) {
            attend($connection, sub { $connection->read });
        }
    }
    expire();
    start_waiting();
    1 while waitpid(-1, WNOHANG) > 0;
    return;
}

until ($ending && (time > $ending + $grace || !grep { $_->busy } values %connections)) {
    if ($ending && $listener) {
        close $listener;
        $listener = undef;
        next;
    }
    turn();
}
$_->kill for values %running;
