package Runtime::Function;

# A function in a process of its own.

use v5.36;
use Carp ();
use Encode ();
use File::Basename 'dirname';
use Scalar::Util 'blessed';
use Socket;
use Time::HiRes 'time';
use Runtime::JSON;

no warnings 'experimental::builtin';
use builtin 'created_as_number';

our $max_timeout = 900;    # seconds, for requests that name none

# Forks, and runs what the body of a request names. $leave is called in the new
# process, to leave behind what is not its business.
sub start ($class, $body, $connection, $leave) {
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or return undef;
    my $pid = fork // return undef;
    if ($pid == 0) {
        close $ours;
        $leave->();
        my $response = Runtime::Response->new($theirs);
        _main($body, $response);
        exit 0;
    }
    close $theirs;
    $ours->blocking(0);
    return bless {
        pipe => $ours, pid => $pid, connection => $connection, in => '',
        begin => time, deadline => time + $max_timeout, timeout => $max_timeout,
    }, $class;
}

# Reads on; returns the answer when it is complete, or the process has ended
# without one: status, type and body.
sub read ($self) {
    my $n = sysread $self->{pipe}, $self->{in}, 1 << 18, length $self->{in};
    return undef if !defined $n && ($!{EAGAIN} || $!{EINTR});
    return Runtime::Response::error(500, 'Function ended without an answer') if !$n;
    if ($self->{in} =~ s/\Atimeout (\S+)\n//) {
        $self->{timeout} = $1;
        $self->{deadline} = $self->{begin} + $1;
    }
    $self->{head} //= [$1, $2, $3] if $self->{in} =~ s/\Aanswer ([0-9]+) ([0-9]+) ([^\n]+)\n//;
    return undef if !$self->{head} || length $self->{in} < $self->{head}[1];
    return [$self->{head}[0], $self->{head}[2], $self->{in}];
}

sub kill ($self) { kill 'KILL', $self->{pid}; return }

sub _main ($body, $response) {
    my $trace;
    local $SIG{__DIE__} = sub { $trace = eval { Carp::longmess(ref $_[0] ? "$_[0]" : $_[0] =~ s/\n\z//r) } };
    my $done = eval {
        my ($source, $timeout, $request) = _parse($body);
        $response->_write("timeout $timeout\n");
        $trace = undef;
        _load($source)->($request, $response);
        1;
    };
    return if $done;
    my $thrown = $@;
    return $response->_fail($thrown->{code}, $thrown->{message}) if blessed $thrown && $thrown->isa('Runtime::Failure');
    my $message = $trace // eval { "$thrown" } // 'The function died of what cannot be told';
    print STDERR $message;
    return $response->_fail(500, $message);
}

sub _parse ($body) {
    my $call = eval { Runtime::JSON::decode(Encode::decode('UTF-8', $body, Encode::FB_CROAK)) };
    Runtime::Failure::throw(400, 'Body is not JSON: ' . $@ =~ s/(?: at \S+ line [0-9]+.*)?\n.*\z//sr) if $@;
    Runtime::Failure::throw(400, 'Body is not a JSON object') if ref $call ne 'HASH';
    for my $name ('path', 'file') {
        my $value = $call->{$name};
        Runtime::Failure::throw(400, "$name is not a string") if !defined $value || ref $value || $value eq '' || $value =~ /\0/;
    }
    for my $name ('env', 'headers') {
        $call->{$name} = {} if !exists $call->{$name};
        Runtime::Failure::throw(400, "$name is not an object") if ref $call->{$name} ne 'HASH';
    }
    $call->{payload} = '' if !exists $call->{payload};
    Runtime::Failure::throw(400, 'payload is not a string') if !defined $call->{payload} || ref $call->{payload} || created_as_number($call->{payload});
    my $timeout = exists $call->{timeout} ? $call->{timeout} : $max_timeout;
    Runtime::Failure::throw(400, 'timeout is not a number of seconds') if !defined $timeout || ref $timeout || !created_as_number($timeout) || !($timeout > 0);
    $timeout = $max_timeout if $timeout > $max_timeout;
    return "$call->{path}/$call->{file}", $timeout, Runtime::Request->new($call->{env}, $call->{headers}, $call->{payload});
}

# What a file returns is its function.
sub _load ($source) {
    Runtime::Failure::throw(404, "Function not found: $source") if !-f $source;
    my $folder = dirname $source;
    chdir $folder or die "$folder: $!\n";
    require lib;
    lib->import($folder, "$folder/lib", "$folder/local/lib/perl5");
    my $function = do $source;
    if (my $problem = $@) { die $problem }
    Runtime::Failure::throw(404, "$source returns no function") if ref $function ne 'CODE';
    return $function;
}

package Runtime::Failure;

sub throw ($code, $message) { die bless { code => $code, message => $message }, 'Runtime::Failure' }

package Runtime::Request;

sub new ($class, $env, $headers, $payload) {
    return bless { env => $env, headers => $headers, payload => $payload }, $class;
}

sub env ($self) { return $self->{env} }
sub headers ($self) { return $self->{headers} }
sub payload ($self) { return $self->{payload} }

# Takes the answer of a function; the first one counts.
package Runtime::Response;

sub new ($class, $pipe) { return bless { pipe => $pipe, sent => 0 }, $class }

# Answers with text.
sub send ($self, $text, $status = 200) {
    return $self->_put($status, 'text/plain; charset=utf-8', Encode::encode('UTF-8', $text));
}

# Answers with JSON.
sub json ($self, $value, $status = 200) {
    return $self->_put($status, 'application/json', Encode::encode('UTF-8', Runtime::JSON::encode($value)));
}

sub error ($code, $message) {
    return [$code, 'application/json', Encode::encode('UTF-8', Runtime::JSON::encode({ code => 0 + $code, message => "$message" }))];
}

sub _fail ($self, $code, $message) { return $self->_put(@{ error($code, $message) }) }

sub _put ($self, $status, $type, $body) {
    Carp::croak("status code $status is not between 200 and 599") if $status !~ /\A[2-5][0-9][0-9]\z/;
    return if $self->{sent}++;
    $self->_write("answer $status " . length($body) . " $type\n$body");
    return;
}

sub _write ($self, $bytes) {
    for (my $at = 0; $at < length $bytes;) {
        $at += syswrite($self->{pipe}, $bytes, length($bytes) - $at, $at) // return;    # nobody waits for it any more
    }
    return;
}

1;
