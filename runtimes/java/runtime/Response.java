package runtime;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Takes the answer of a function; the first one counts, from whatever thread. */
public final class Response {
    record Answer(int status, String type, byte[] body) {
        static Answer error(int code, String message) {
            return new Answer(code, "application/json", Json.write(Map.of("code", code, "message", message)).getBytes(StandardCharsets.UTF_8));
        }
    }

    final CompletableFuture<Answer> answer = new CompletableFuture<>();

    Response() {
    }

    /** Answers with text. */
    public void send(String text) {
        send(text, 200);
    }

    /** Answers with text and a status code. */
    public void send(String text, int status) {
        put(status, "text/plain; charset=utf-8", text);
    }

    /** Answers with JSON: of maps, iterables, arrays, strings, numbers, booleans and null. */
    public void json(Object value) {
        json(value, 200);
    }

    /** Answers with JSON and a status code. */
    public void json(Object value, int status) {
        put(status, "application/json", Json.write(value));
    }

    private void put(int status, String type, String text) {
        if (status < 200 || status > 599) {
            throw new IllegalArgumentException("status code " + status + " is not between 200 and 599");
        }
        answer.complete(new Answer(status, type, text.getBytes(StandardCharsets.UTF_8)));
    }
}
