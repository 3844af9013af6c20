package runtime;

import com.sun.management.UnixOperatingSystemMXBean;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs a function: POST / with a JSON body. Its argument is the function's class. */
public final class Server {
    private static final int MAX_BODY = 20 << 20; // bytes
    private static final double MAX_TIMEOUT = 900; // seconds, for requests that name none
    private static final int GRACE = 5; // seconds for running requests after SIGTERM

    /** An answer that is an error. */
    private static final class Failure extends Exception {
        final int code;

        Failure(int code, String message) {
            super(message, null, false, false);
            this.code = code;
        }
    }

    private record Call(Request request, double timeout) {
    }

    private final byte[] key;
    private final Function function;
    private final AtomicInteger busy = new AtomicInteger(); // requests that are owed an answer
    private final ExecutorService threads = Executors.newCachedThreadPool();

    private Server(byte[] key, Function function) {
        this.key = key;
        this.function = function;
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.idleInterval", "60"); // seconds
        System.setProperty("sun.net.httpserver.maxReqTime", "60"); // seconds for the head and the body
        System.setProperty("jdk.httpserver.maxConnections", String.valueOf(connections()));
        String key = System.getenv("INTERNAL_RUNTIME_KEY");
        Object function = Class.forName(args[0]).getDeclaredConstructor().newInstance();
        new Server(key == null ? new byte[0] : key.getBytes(StandardCharsets.UTF_8), (Function) function).run();
    }

    /**
     * Half of the descriptors are for connections, and further clients are turned away: with none
     * left HttpServer tries to accept without a pause.
     */
    private static int connections() {
        OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
        long most = system instanceof UnixOperatingSystemMXBean unix ? unix.getMaxFileDescriptorCount() : Integer.MAX_VALUE;
        return (int) Math.max(1, Math.min(most, Integer.MAX_VALUE) / 2);
    }

    private void run() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("0.0.0.0", 3000), 1024);
        server.createContext("/", this::exchange);
        server.setExecutor(threads);
        // Runs on SIGTERM, and then ends the process, whatever threads the function has left.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(GRACE);
            while (busy.get() > 0 && System.nanoTime() < end) {
                Thread.onSpinWait();
                pause();
            }
            Runtime.getRuntime().halt(0);
        }));
        server.start();
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void exchange(HttpExchange exchange) throws IOException {
        busy.incrementAndGet();
        try (exchange) {
            Response.Answer answer;
            try {
                answer = answer(exchange);
            } catch (Failure failure) {
                answer = Response.Answer.error(failure.code, failure.getMessage());
            }
            int status = answer.status();
            boolean bare = exchange.getRequestMethod().equals("HEAD") || status == 204 || status == 205 || status == 304;
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            exchange.sendResponseHeaders(answer.status(), bare || answer.body().length == 0 ? -1 : answer.body().length);
            if (!bare) {
                exchange.getResponseBody().write(answer.body());
            }
        } finally {
            busy.decrementAndGet();
        }
    }

    private Response.Answer answer(HttpExchange exchange) throws Failure, IOException {
        if (!exchange.getRequestMethod().equals("POST")) {
            throw new Failure(405, "Only POST runs a function");
        }
        String challenge = exchange.getRequestHeaders().getFirst("x-internal-challenge");
        if (key.length == 0 || challenge == null || !MessageDigest.isEqual(challenge.getBytes(StandardCharsets.UTF_8), key)) {
            throw new Failure(401, "Unauthorized");
        }
        check(exchange);
        Call call = parse(readBody(exchange));
        Response response = new Response();
        Future<?> running;
        try {
            running = threads.submit(() -> call(call.request(), response));
        } catch (OutOfMemoryError e) {
            throw new Failure(500, "No thread for the function: " + e.getMessage());
        }
        try {
            return response.answer.get((long) (call.timeout() * 1000), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            running.cancel(true);
            throw new Failure(500, "Function did not answer within " + call.timeout() + " seconds");
        } catch (Exception e) {
            throw new Failure(500, trace(e));
        }
    }

    /** Refuses a body whose end another reader may see at another place. */
    private static void check(HttpExchange exchange) throws Failure {
        List<String> lengths = exchange.getRequestHeaders().getOrDefault("Content-length", List.of());
        List<String> codings = exchange.getRequestHeaders().getOrDefault("Transfer-encoding", List.of());
        boolean length = lengths.size() == 1 && lengths.get(0).matches("[0-9]{1,15}") && codings.isEmpty();
        boolean one = exchange.getProtocol().equals("HTTP/1.1") || exchange.getProtocol().equals("HTTP/1.0");
        boolean chunks = codings.size() == 1 && codings.get(0).equalsIgnoreCase("chunked") && lengths.isEmpty();
        if (!one || !length && !chunks && !(lengths.isEmpty() && codings.isEmpty())) {
            throw bad(exchange, one ? "neither one Content-Length nor chunks alone" : "not HTTP/1");
        }
    }

    /** Refuses what has no end that is known: nothing more is read from the connection. */
    private static Failure bad(HttpExchange exchange, String problem) {
        exchange.getResponseHeaders().set("Connection", "close");
        return new Failure(400, "Bad request: " + problem);
    }

    private void call(Request request, Response response) {
        try {
            function.handle(request, response);
        } catch (Throwable thrown) { // errors too: a function does not end the server
            String text = trace(thrown);
            System.err.println(text);
            response.answer.complete(Response.Answer.error(500, text));
        }
    }

    /** Tells of a Throwable, also of one that throws when it is looked at. */
    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        try {
            thrown.printStackTrace(new PrintWriter(text));
        } catch (Throwable t) {
            text.write(thrown.getClass().getName() + ", which cannot be told");
        }
        return text.toString();
    }

    /**
     * Reads on when a body is too large, and drops that, so that the client gets to read the
     * answer; what goes on for too long is cut off.
     */
    private static String readBody(HttpExchange exchange) throws Failure {
        InputStream in = exchange.getRequestBody();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] chunk = new byte[1 << 16];
        long size = 0;
        try {
            for (int n; (n = in.read(chunk)) >= 0 && size <= 4L * MAX_BODY;) {
                size += n;
                if (size <= MAX_BODY) {
                    body.write(chunk, 0, n);
                }
            }
        } catch (IOException e) { // chunks that are none, or have trailers
            throw bad(exchange, "the body cannot be read: " + e.getMessage());
        }
        if (size > MAX_BODY) {
            throw new Failure(413, "Body exceeds " + MAX_BODY + " bytes");
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body.toByteArray())).toString();
        } catch (CharacterCodingException e) {
            throw new Failure(400, "Body is not UTF-8");
        }
    }

    private static Call parse(String body) throws Failure {
        Object value;
        try {
            value = Json.read(body);
        } catch (Json.Problem problem) {
            throw new Failure(400, "Body is not JSON: " + problem.getMessage());
        }
        if (!(value instanceof Map<?, ?> object)) {
            throw new Failure(400, "Body is not a JSON object");
        }
        Object payload = object.containsKey("payload") ? object.get("payload") : "";
        if (!(payload instanceof String text)) {
            throw new Failure(400, "payload is not a string");
        }
        Object timeout = object.containsKey("timeout") ? object.get("timeout") : (Double) MAX_TIMEOUT;
        if (!(timeout instanceof Number seconds) || !(seconds.doubleValue() > 0)) {
            throw new Failure(400, "timeout is not a number of seconds");
        }
        return new Call(new Request(map(object, "env"), map(object, "headers"), text), Math.min(seconds.doubleValue(), MAX_TIMEOUT));
    }

    @SuppressWarnings("unchecked") // names of JSON are strings
    private static Map<String, Object> map(Map<?, ?> object, String name) throws Failure {
        Object value = object.containsKey(name) ? object.get(name) : Map.of();
        if (!(value instanceof Map<?, ?> map)) {
            throw new Failure(400, name + " is not an object");
        }
        return (Map<String, Object>) map;
    }
}
