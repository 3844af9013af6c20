package runtime;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads and writes JSON; the JDK has nothing for it. */
final class Json {
    private static final int MAX_DEPTH = 1000;
    private static final int MAX_DIGITS = 1000; // of a number: reading it takes their square
    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Says that text is no JSON. */
    static final class Problem extends RuntimeException {
        Problem(String message) {
            super(message, null, false, false);
        }
    }

    /** Returns maps, lists, strings, Long, Double or BigDecimal, Boolean and null. */
    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.space();
        if (json.at < text.length()) {
            throw json.problem("trailing text");
        }
        return value;
    }

    private Problem problem(String what) {
        return new Problem(what + " at character " + at);
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    /** Skips space and says whether the next character is this one, which is taken. */
    private boolean take(char c) {
        space();
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private Object value(int depth) {
        if (depth > MAX_DEPTH) {
            throw problem("nested too deeply");
        }
        if (take('"')) {
            return string();
        } else if (take('{')) {
            return object(depth);
        } else if (take('[')) {
            return array(depth);
        } else if (word("true")) {
            return true;
        } else if (word("false")) {
            return false;
        } else if (word("null")) {
            return null;
        }
        return number();
    }

    private boolean word(String word) {
        if (!text.startsWith(word, at)) {
            return false;
        }
        at += word.length();
        return true;
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> object = new LinkedHashMap<>();
        if (take('}')) {
            return object;
        }
        do {
            if (!take('"')) {
                throw problem("no name of a member");
            }
            String name = string();
            if (!take(':')) {
                throw problem("no colon");
            }
            object.put(name, value(depth + 1));
        } while (take(','));
        if (!take('}')) {
            throw problem("an object does not end");
        }
        return object;
    }

    private List<Object> array(int depth) {
        List<Object> array = new ArrayList<>();
        if (take(']')) {
            return array;
        }
        do {
            array.add(value(depth + 1));
        } while (take(','));
        if (!take(']')) {
            throw problem("an array does not end");
        }
        return array;
    }

    private String string() {
        int from = at;
        while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\\' && text.charAt(at) >= ' ') {
            at++;
        }
        if (at < text.length() && text.charAt(at) == '"') {
            return text.substring(from, at++);
        }
        StringBuilder string = new StringBuilder(text.substring(from, at));
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return string.toString();
            } else if (c < ' ') {
                throw problem("a control character in a string");
            } else if (c != '\\') {
                string.append(c);
            } else {
                at++;
                string.append(escaped());
            }
        }
        throw problem("a string does not end");
    }

    /** Returns what is escaped here, and stays at its last character. */
    private char escaped() {
        char c = at < text.length() ? text.charAt(at) : ' ';
        int known = "\"\\/bfnrt".indexOf(c);
        if (known >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(known);
        }
        int code = c == 'u' && at + 4 < text.length() ? 0 : -1;
        for (int i = 1; i <= 4 && code >= 0; i++) {
            char digit = text.charAt(at + i);
            code = digit < 128 && Character.digit(digit, 16) >= 0 ? code << 4 | Character.digit(digit, 16) : -1;
        }
        if (code < 0) {
            throw problem("an unknown escape in a string");
        }
        at += 4;
        return (char) code;
    }

    private Number number() {
        int from = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        if (at - from > MAX_DIGITS) {
            throw problem("a number is too long");
        }
        String number = text.substring(from, at);
        if (!NUMBER.matcher(number).matches()) {
            at = from;
            throw problem("no JSON value");
        }
        if (number.length() < 19 && number.chars().allMatch(c -> c == '-' || c >= '0' && c <= '9')) {
            return Long.valueOf(number);
        }
        double value = Double.parseDouble(number);
        try {
            return number.length() < 16 && !Double.isInfinite(value) ? (Number) value : new BigDecimal(number);
        } catch (NumberFormatException e) { // of its exponent
            throw problem("a number is too large, or too small");
        }
    }

    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out, 0);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out, int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException("no JSON for what is nested too deeply, or in itself");
        }
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Number number) {
            double d = number.doubleValue();
            if (Double.isNaN(d) || Double.isInfinite(d) && !(number instanceof BigDecimal)) {
                throw new IllegalArgumentException("no JSON for the number " + value);
            }
            out.append(value);
        } else if (value instanceof CharSequence || value instanceof Character || value instanceof Enum<?>) {
            quote(value.toString(), out);
        } else if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                quote(String.valueOf(entry.getKey()), out.append(separator));
                write(entry.getValue(), out.append(':'), depth + 1);
                separator = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> iterable) {
            out.append('[');
            String separator = "";
            for (Object element : iterable) {
                write(element, out.append(separator), depth + 1);
                separator = ",";
            }
            out.append(']');
        } else if (value.getClass().isArray()) {
            out.append('[');
            for (int i = 0; i < Array.getLength(value); i++) {
                write(Array.get(value, i), out.append(i > 0 ? "," : ""), depth + 1);
            }
            out.append(']');
        } else {
            throw new IllegalArgumentException("no JSON for a " + value.getClass().getName());
        }
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int known = "\"\\\b\f\n\r\t".indexOf(c);
            if (known >= 0) {
                out.append('\\').append("\"\\bfnrt".charAt(known));
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
