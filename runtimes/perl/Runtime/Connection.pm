package Runtime::Connection;

# Reads requests of one client, one after the other.

use v5.36;
use Digest::SHA 'sha256';
use List::Util 'max';
use Socket;
use Time::HiRes 'time';
use Runtime::Function;

my $max_body = 20 * 1024 * 1024;    # bytes
my $max_head = 64 * 1024;           # bytes
my $idle = 60;                      # seconds that a silent connection is kept
my $linger = 5;                     # seconds in which the rest of a refused body is dropped

sub new ($class, $socket, $key) {
    $socket->blocking(0);
    setsockopt $socket, Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1;
    return bless { socket => $socket, key => $key, in => '', out => '', body => '', deadline => time + $idle, keep => 1 }, $class;
}

# Whether the client is owed an answer.
sub busy ($self) { return $self->{head} || $self->{out} ne '' }

sub writes ($self) { return $self->{out} ne '' }

# What comes while a function runs waits.
sub reads ($self) { return !$self->{runs} }

# Takes the body of the request that was read, if one was.
sub take ($self) { return delete $self->{call} }

sub read ($self) {
    my $n = sysread $self->{socket}, my $chunk, 1 << 18;
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    if (!$n) {
        $self->{closed} = 1;
    }
    elsif ($self->{lingers}) {
        $self->{dropped} += $n;
        $self->{closed} = $self->{dropped} > 4 * $max_body;
    }
    else {
        $self->{deadline} = time + $idle;
        $self->{in} .= $chunk;
        $self->_advance;
    }
    return;
}

sub write ($self) {
    my $n = syswrite $self->{socket}, $self->{out};
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    if (!defined $n) {
        $self->{closed} = 1;
        return;
    }
    substr($self->{out}, 0, $n) = '';
    $self->{deadline} = time + $idle if $n;    # somebody reads it
    return if $self->{out} ne '';
    if (!$self->{keep}) {
        # Closing now would take the answer away from a client that still sends.
        shutdown $self->{socket}, SHUT_WR;
        $self->{lingers} = 1;
        $self->{deadline} = time + $linger;
    }
    elsif (!$self->{runs}) {
        $self->{deadline} = time + $idle;
        $self->_advance;    # the next request may be here already
    }
    return;
}

# Sends the answer to the request that runs.
sub answer ($self, $answer, $keep) {
    my ($status, $type, $body) = @$answer;
    $self->{runs} = 0;
    $self->{head} = undef;
    $self->{body} = '';
    $self->{keep} &&= $keep;
    $self->{deadline} = time + $idle;
    my $bodiless = $status == 204 || $status == 205 || $status == 304;
    $body = '' if $bodiless;
    $self->{out} .= "HTTP/1.1 $status Status\r\nContent-Type: $type"
        . ($bodiless && $status != 205 ? '' : "\r\nContent-Length: " . length $body)
        . ($self->{keep} ? '' : "\r\nConnection: close") . "\r\n\r\n" . ($self->{bare} ? '' : $body);
    return $self->write;
}

# Goes on with the request that is read.
sub _advance ($self) {
    return if !$self->{head} && !$self->_read_head;
    return if !$self->_read_body;
    $self->{runs} = 1;
    $self->{deadline} = 9**9**9;    # the function has one
    $self->{call} = $self->{body};
    $self->{body} = '';
    return;
}

# Refuses the request; what follows is not known. False, so that it can be
# returned.
sub _refuse ($self, $code, $message) {
    $self->{in} = '';
    $self->answer(Runtime::Response::error($code, $message), 0);
    return 0;
}

sub _read_head ($self) {
    $self->{in} =~ s/\A[\r\n]+//;
    my $end = index $self->{in}, "\r\n\r\n", $self->{searched} // 0;
    $self->{searched} = $end < 0 ? max(0, length($self->{in}) - 3) : 0;
    return length $self->{in} > $max_head && $self->_refuse(400, 'Bad request: the head is too long') if $end < 0 || $end > $max_head;
    my ($first, @lines) = split /\r\n/, substr $self->{in}, 0, $end;
    substr($self->{in}, 0, $end + 4) = '';
    my ($method, $version) = $first =~ m{\A([A-Z]+) \S+ HTTP/1\.([01])\z} or return $self->_refuse(400, 'Bad request: not HTTP/1');
    my %head;
    for my $line (@lines) {
        my ($name, $value) = split /:/, $line, 2;
        return $self->_refuse(400, 'Bad request: header without a colon') if !defined $value;
        return $self->_refuse(400, "Bad request: a header's name") if $name eq '' || $name =~ /[\s[:cntrl:]]/;
        return $self->_refuse(400, "Bad request: a header's value") if $value =~ /[\r\n\0]/;
        $name = lc $name;
        return $self->_refuse(400, "Bad request: two of $name") if exists $head{$name} && $name =~ /\A(?:content-length|transfer-encoding)\z/;
        $head{$name} = _trim($value);
    }
    $self->{head} = \%head;
    $self->{bare} = $method eq 'HEAD';
    $self->{keep} = lc($head{connection} // '') ne 'close' && $version eq '1';
    return $self->_refuse(405, 'Only POST runs a function') if $method ne 'POST';
    return $self->_refuse(401, 'Unauthorized') if $self->{key} eq '' || !_equal($head{'x-internal-challenge'} // '', $self->{key});
    my $coding = $head{'transfer-encoding'};
    # Another reader may see the end of the request at another place.
    return $self->_refuse(400, 'Bad request: Transfer-Encoding is not chunked alone')
        if defined $coding && (lc $coding ne 'chunked' || exists $head{'content-length'} || $version eq '0');
    $self->{out} .= "HTTP/1.1 100 Continue\r\n\r\n" if exists $head{expect};
    return 1;
}

# Without spaces and tabs at both ends. A pattern for those at the end would
# be tried at each space in between.
sub _trim ($text) {
    $text =~ s/\A[ \t]+//;
    $text = reverse $text;
    $text =~ s/\A[ \t]+//;
    return scalar reverse $text;
}

# Compares digests: in a time that does not depend on what is equal.
sub _equal ($one, $other) {
    my $difference = sha256($one) ^. sha256($other);
    return $difference !~ /[^\0]/;
}

sub _read_body ($self) {
    return $self->_read_chunks if exists $self->{head}{'transfer-encoding'};
    my $length = $self->{head}{'content-length'} // 0;
    return $self->_refuse(400, 'Bad request: Content-Length is not a number') if $length !~ /\A[0-9]{1,15}\z/;
    return $self->_refuse(413, "Body exceeds $max_body bytes") if $length > $max_body;
    return 0 if length $self->{in} < $length;
    $self->{body} = substr $self->{in}, 0, $length, '';
    return 1;
}

sub _read_chunks ($self) {
    while ($self->{in} =~ /\A([0-9a-fA-F]{1,8})[ \t]{0,8}(?:;[^\r\n]{0,200})?\r\n/) {
        my ($size, $from) = (hex $1, $+[0]);
        return $self->_refuse(413, "Body exceeds $max_body bytes") if length($self->{body}) + $size > $max_body;
        if ($size == 0) {    # trailers may follow
            my $end = index $self->{in}, "\r\n\r\n", $from - 2;
            return length($self->{in}) > $from + $max_head && $self->_refuse(400, 'Bad request: the trailers are too long') if $end < 0;
            substr($self->{in}, 0, $end + 4) = '';
            return 1;
        }
        return 0 if length $self->{in} < $from + $size + 2;
        return $self->_refuse(400, 'Bad request: a chunk is longer than its size') if substr($self->{in}, $from + $size, 2) ne "\r\n";
        $self->{body} .= substr $self->{in}, $from, $size;
        substr($self->{in}, 0, $from + $size + 2) = '';
    }
    return $self->_refuse(400, 'Bad request: the body is not chunked as it says') if length $self->{in} > 300 || $self->{in} =~ /\r\n/;
    return 0;
}

1;
