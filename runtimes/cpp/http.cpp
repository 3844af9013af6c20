// HTTP/1.1 on POSIX sockets, one thread a connection.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "server.hpp"

namespace server {

// Closed ends a connection without an answer.
struct Closed {};

static std::atomic<int> busy{0};  // requests that are owed an answer
static volatile std::sig_atomic_t ending = 0;

// Connection reads ahead of what is asked for, and keeps the rest.
class Connection {
public:
    explicit Connection(int socket) : socket_(socket) {
        const timeval limit{idle, 0};
        const int on = 1;
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~Connection() { close(socket_); }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // until reads up to a separator, which is dropped.
    std::string until(const std::string &separator, std::size_t limit) {
        std::size_t searched = 0;
        for (;;) {
            const auto at = buffer_.find(separator, at_ + searched);
            if (at != std::string::npos && at - at_ <= limit) {
                std::string text = buffer_.substr(at_, at - at_);
                use(text.size() + separator.size());
                return text;
            }
            const std::size_t left = buffer_.size() - at_;
            if (left > limit) throw Failure(400, "Bad request: too long a line");
            searched = left < separator.size() ? 0 : left - separator.size() + 1;
            fill();
        }
    }

    std::string exactly(std::size_t size) {
        while (buffer_.size() - at_ < size) fill();
        if (at_ == 0 && size == buffer_.size()) return std::exchange(buffer_, std::string());
        std::string text = buffer_.substr(at_, size);
        use(size);
        return text;
    }

    void write(const std::string &text) {
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t n = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) throw Closed{};
            sent += static_cast<std::size_t>(n);
        }
    }

    // discard reads what is still coming for a short while, so that the answer
    // is not lost to a reset.
    void discard() {
        const timeval limit{0, 200000};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        shutdown(socket_, SHUT_WR);
        char rest[65536];
        for (int i = 0; i < 1024 && recv(socket_, rest, sizeof rest, 0) > 0; i++) {
        }
    }

private:
    void fill() {
        buffer_.erase(0, std::exchange(at_, 0));  // not at each use: it moves the rest
        char chunk[65536];
        const ssize_t n = recv(socket_, chunk, sizeof chunk, 0);
        if (n <= 0) throw Closed{};
        buffer_.append(chunk, static_cast<std::size_t>(n));
    }

    void use(std::size_t size) {
        at_ += size;
        if (at_ < buffer_.size()) return;
        // An idle connection does not keep the room of a large body.
        buffer_ = std::string();
        at_ = 0;
    }

    int socket_;
    std::string buffer_;
    std::size_t at_ = 0;  // what is before was used
};

static std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

static std::string trim(const std::string &text) {
    const auto from = text.find_first_not_of(" \t");
    return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

static Failure bad(const std::string &what) { return Failure(400, "Bad request: " + what); }

// field reads a line of a head.
static void field(Head &head, const std::string &line) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) throw bad("header without a colon");
    const std::string name = lower(line.substr(0, colon));
    const auto odd = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
    if (name.empty() || std::any_of(name.begin(), name.end(), odd)) throw bad("a header's name");
    if (line.find_first_of(std::string("\r\n\0", 3)) != std::string::npos) throw bad("a header's value");
    const bool is_new = head.headers.insert_or_assign(name, trim(line.substr(colon + 1))).second;
    if (!is_new && (name == "content-length" || name == "transfer-encoding")) throw bad("two of " + name);
}

static Head parse_head(const std::string &text) {
    auto end = text.find("\r\n");
    const std::string line = text.substr(0, end);
    const auto space = line.find(' '), last = line.rfind(' ');
    if (space == std::string::npos || last < space + 2 || line.find(' ', space + 1) != last) throw bad("not HTTP/1");
    const std::string version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") throw bad("not HTTP/1");
    Head head{line.substr(0, space), false, {}};
    while (end != std::string::npos) {
        const auto start = end + 2;
        end = text.find("\r\n", start);
        field(head, text.substr(start, end == std::string::npos ? end : end - start));
    }
    const auto option = head.headers.find("connection"), coding = head.headers.find("transfer-encoding");
    head.keep = version == "HTTP/1.1" && (option == head.headers.end() || lower(option->second) != "close");
    // Another reader may see the end of the request at another place.
    if (coding != head.headers.end() && (lower(coding->second) != "chunked" || head.headers.count("content-length") || version == "HTTP/1.0")) {
        throw bad("Transfer-Encoding is not chunked alone");
    }
    return head;
}

static std::size_t number(const std::string &text, int base) {
    const auto is_digit = [base](unsigned char c) { return base == 16 ? std::isxdigit(c) : std::isdigit(c); };
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) throw bad("not a length");
    errno = 0;
    const unsigned long value = std::strtoul(text.c_str(), nullptr, base);
    if (errno != 0 || value > max_body) throw Failure(413, "Body exceeds " + std::to_string(max_body) + " bytes");
    return value;
}

static std::string read_chunks(Connection &connection) {
    std::string body;
    for (;;) {
        const std::string line = connection.until("\r\n", 300);
        const std::string digits = line.substr(0, line.find(';')); // spaces may follow it, and not lead
        const std::size_t size = number(digits.substr(0, digits.find_last_not_of(" \t") + 1), 16);
        if (body.size() + size > max_body) throw Failure(413, "Body exceeds " + std::to_string(max_body) + " bytes");
        if (size == 0) break;
        body += connection.exactly(size);
        if (connection.exactly(2) != "\r\n") throw bad("a chunk is longer than its size");
    }
    for (std::size_t trailers = 0; trailers <= max_head;) {
        const std::string line = connection.until("\r\n", max_head);
        if (line.empty()) return body;
        trailers += line.size();
    }
    throw bad("the trailers are too long");
}

static std::string read_body(Connection &connection, const Head &head) {
    if (head.headers.count("transfer-encoding")) return read_chunks(connection);
    const auto length = head.headers.find("content-length");
    return length == head.headers.end() ? "" : connection.exactly(number(length->second, 10));
}

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 500: return "Internal Server Error";
    default: return "Status";
    }
}

// reply sends an answer; one to HEAD is bare, and some statuses have no body.
static void reply(Connection &connection, const Answer &answer, bool keep, bool bare) {
    const bool bodiless = answer.status == 204 || answer.status == 205 || answer.status == 304;
    const std::string body = bodiless ? "" : answer.body;
    const std::string length = bodiless && answer.status != 205 ? "" : "\r\nContent-Length: " + std::to_string(body.size());
    connection.write("HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) + "\r\nContent-Type: " + answer.type + length +
                     (keep ? "" : "\r\nConnection: close") + "\r\n\r\n" + (bare ? "" : body));
}

// one answers one request and says whether the connection stays open.
static bool one(Connection &connection) {
    const std::string text = connection.until("\r\n\r\n", max_head);
    struct Count {
        Count() { busy++; }
        ~Count() { busy--; }
    } count;
    const bool bare = text.rfind("HEAD ", 0) == 0;
    try {
        const Head head = parse_head(text);
        admit(head);
        if (head.headers.count("expect")) connection.write("HTTP/1.1 100 Continue\r\n\r\n");
        const std::string body = read_body(connection, head);
        const bool keep = head.keep && !ending;
        Answer answer;
        try {
            answer = run(body);
        } catch (const Failure &failure) { // the body was read: the connection is good
            answer = error(failure.code, failure.what());
        }
        reply(connection, answer, keep, bare);
        return keep;
    } catch (const Failure &failure) {
        reply(connection, error(failure.code, failure.what()), false, bare);
        connection.discard();
        return false;
    }
}

static void converse(int socket) {
    Connection connection(socket);
    try {
        while (one(connection)) {
        }
    } catch (const Failure &failure) { // before there was a request
        try {
            reply(connection, error(failure.code, failure.what()), false, false);
        } catch (const Closed &) {
        }
    } catch (const Closed &) {
    } catch (const std::exception &) {  // there is no memory, or no thread, for an answer
    }
}

// Accepting ends when SIGTERM interrupts it.
static void end(int) { ending = 1; }

void serve(unsigned short port) {
    struct sigaction action = {};
    action.sa_handler = end;
    sigaction(SIGTERM, &action, nullptr);

    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(port);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 || listen(listener, 1024) != 0) {
        std::perror("listen");
        std::exit(1);
    }
    // accept returns twice a second, in case the signal comes just before it.
    const timeval limit{0, 500000};
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    // Signals go to this thread: those of connections block them.
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    while (!ending) {
        const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const std::chrono::milliseconds pause(100);
        if (socket < 0) {
            if (errno != EAGAIN && errno != EINTR) std::this_thread::sleep_for(pause);  // too many files, mostly
            continue;
        }
        pthread_sigmask(SIG_BLOCK, &term, nullptr);
        try {
            std::thread(converse, socket).detach();
        } catch (const std::system_error &) {  // too many threads
            close(socket);
            std::this_thread::sleep_for(pause);
        }
        pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
    }
    close(listener);
    for (int i = 0; i < grace * 50 && busy > 0; i++) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::_Exit(0);
}

}  // namespace server
