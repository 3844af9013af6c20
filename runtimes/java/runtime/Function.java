package runtime;

/** What a class must be to run as a function. */
@FunctionalInterface
public interface Function {
    /** Answers a request. What it throws fails the request. */
    void handle(Request request, Response response) throws Exception;
}
