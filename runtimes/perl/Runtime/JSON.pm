package Runtime::JSON;

# Reads JSON with regular expressions: many times as fast as JSON::PP, which
# takes a second for a payload of a megabyte. Writing is left to that.

use v5.36;
use JSON::PP ();

# Has no words for numbers that JSON has none for.
package Runtime::JSON::Writer {
    use parent -norequire, 'JSON::PP';

    sub value_to_json ($self, $value) {
        my $text = $self->SUPER::value_to_json($value);
        die "no JSON for the number $value\n" if $text =~ /\A[-+]?(?:inf|nan)/i;
        return $text;
    }
}

my $depth_limit = 1000;
my $writer = Runtime::JSON::Writer->new->allow_nonref->allow_blessed->convert_blessed->max_depth($depth_limit + 10);
my %escaped = ('"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f", n => "\n", r => "\r", t => "\t");

# Returns the JSON of a value, as characters.
sub encode ($value) { return $writer->encode($value) }

# Returns the value of JSON text; dies with a reason.
sub decode ($text) {
    pos($text) = 0;
    my $value = _value(\$text, 0);
    $text =~ /\G[ \t\r\n]*/gc;
    die "trailing text\n" if pos($text) < length $text;
    return $value;
}

sub _value ($text, $depth) {
    no warnings 'recursion';
    die "nested too deeply\n" if $depth > $depth_limit;
    $$text =~ /\G[ \t\r\n]*/gc;
    return _string($text) if $$text =~ /\G"/gc;
    return _object($text, $depth) if $$text =~ /\G\{/gc;
    return _array($text, $depth) if $$text =~ /\G\[/gc;
    return _number($1) if $$text =~ /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/gc;
    return $JSON::PP::true if $$text =~ /\Gtrue/gc;
    return $JSON::PP::false if $$text =~ /\Gfalse/gc;
    return undef if $$text =~ /\Gnull/gc;
    die 'unexpected ' . (pos $$text < length $$text ? 'text' : 'end') . ' at character ' . pos($$text) . "\n";
}

sub _number ($digits) {
    my $number = 0 + $digits;
    die "a number is too large\n" if abs $number == 9**9**9;
    return $number;
}

sub _object ($text, $depth) {
    my %object;
    return \%object if $$text =~ /\G[ \t\r\n]*\}/gc;
    while (1) {
        $$text =~ /\G[ \t\r\n]*"/gc or die 'no name of a member at character ' . pos($$text) . "\n";
        my $name = _string($text);
        $$text =~ /\G[ \t\r\n]*:/gc or die 'no colon at character ' . pos($$text) . "\n";
        $object{$name} = _value($text, $depth + 1);
        next if $$text =~ /\G[ \t\r\n]*,/gc;
        return \%object if $$text =~ /\G[ \t\r\n]*\}/gc;
        die 'an object does not end at character ' . pos($$text) . "\n";
    }
}

sub _array ($text, $depth) {
    my @array;
    return \@array if $$text =~ /\G[ \t\r\n]*\]/gc;
    while (1) {
        push @array, _value($text, $depth + 1);
        next if $$text =~ /\G[ \t\r\n]*,/gc;
        return \@array if $$text =~ /\G[ \t\r\n]*\]/gc;
        die 'an array does not end at character ' . pos($$text) . "\n";
    }
}

sub _string ($text) {
    my $string = '';
    while (1) {
        if ($$text =~ /\G([^"\\\x00-\x1f]+)/gc) { $string .= $1 }
        elsif ($$text =~ /\G"/gc) { return $string }
        elsif ($$text =~ m{\G\\(["\\/bfnrt])}gc) { $string .= $escaped{$1} }
        elsif ($$text =~ /\G\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc) {
            $string .= chr(0x10000 + ((hex($1) - 0xd800) << 10) + hex($2) - 0xdc00);
        }
        elsif ($$text =~ /\G\\u([0-9a-fA-F]{4})/gc) {
            my $code = hex $1;
            $string .= $code >= 0xd800 && $code < 0xe000 ? "\x{fffd}" : chr $code;
        }
        else { die 'a string is not valid at character ' . pos($$text) . "\n" }
    }
}

1;
