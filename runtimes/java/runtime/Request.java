package runtime;

import java.util.Map;

/** What a function is given. */
public record Request(Map<String, Object> env, Map<String, Object> headers, String payload) {
}
