// HTTP/1.1 on POSIX sockets, one thread a connection.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
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
        std::size_t from = 0;
        for (;;) {
            const auto at = buffer_.find(separator, from);
            if (at != std::string::npos && at <= limit) {
                std::string text = take(at);
                buffer_.erase(0, separator.size());
                return text;
            }
            if (buffer_.size() > limit) throw Failure(400, "Bad request: too long a line");
            from = buffer_.size() < separator.size() ? 0 : buffer_.size() - separator.size() + 1;
            fill();
        }
    }

    std::string exactly(std::size_t size) {
        while (buffer_.size() < size) fill();
        return take(size);
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
        char chunk[65536];
        const ssize_t n = recv(socket_, chunk, sizeof chunk, 0);
        if (n <= 0) throw Closed{};
        buffer_.append(chunk, static_cast<std::size_t>(n));
    }

    std::string take(std::size_t size) {
        // All of it: an idle connection does not keep the room of a large body.
        if (size == buffer_.size()) return std::exchange(buffer_, std::string());
        std::string text = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return text;
    }

    int socket_;
    std::string buffer_;
};

static std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

static std::string trim(const std::string &text) {
    const auto from = text.find_first_not_of(" \t");
    return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

static Head parse_head(const std::string &text) {
    auto end = text.find("\r\n");
    const std::string line = text.substr(0, end);
    const auto space = line.find(' ');
    if (space == std::string::npos || line.find(" HTTP/1.") == std::string::npos) throw Failure(400, "Bad request: not HTTP/1");
    Head head{line.substr(0, space), {}};
    while (end != std::string::npos) {
        const auto start = end + 2;
        end = text.find("\r\n", start);
        const std::string field = text.substr(start, end == std::string::npos ? end : end - start);
        const auto colon = field.find(':');
        if (colon == std::string::npos) throw Failure(400, "Bad request: header without a colon");
        head.headers[lower(field.substr(0, colon))] = trim(field.substr(colon + 1));
    }
    return head;
}

static std::size_t number(const std::string &text, int base) {
    char *end = nullptr;
    errno = 0;
    const unsigned long value = std::strtoul(text.c_str(), &end, base);
    if (text.empty() || !std::isxdigit(static_cast<unsigned char>(text[0])) || errno != 0) throw Failure(400, "Bad request: not a length");
    if (*end != '\0' && *end != ';') throw Failure(400, "Bad request: not a length");
    if (value > max_body) throw Failure(413, "Body exceeds " + std::to_string(max_body) + " bytes");
    return value;
}

static std::string read_body(Connection &connection, const Head &head) {
    const auto coding = head.headers.find("transfer-encoding");
    if (coding == head.headers.end()) {
        const auto length = head.headers.find("content-length");
        return length == head.headers.end() ? "" : connection.exactly(number(length->second, 10));
    }
    std::string body;
    for (;;) {
        const std::size_t size = number(connection.until("\r\n", 100), 16);
        if (body.size() + size > max_body) throw Failure(413, "Body exceeds " + std::to_string(max_body) + " bytes");
        body += connection.exactly(size);
        while (!connection.until("\r\n", max_head).empty()) {
        }
        if (size == 0) return body;
    }
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

static void reply(Connection &connection, const Answer &answer, bool keep) {
    connection.write("HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) + "\r\nContent-Type: " + answer.type +
                     "\r\nContent-Length: " + std::to_string(answer.body.size()) + (keep ? "" : "\r\nConnection: close") + "\r\n\r\n" + answer.body);
}

// one answers one request and says whether the connection stays open.
static bool one(Connection &connection) {
    const std::string text = connection.until("\r\n\r\n", max_head);
    struct Count {
        Count() { busy++; }
        ~Count() { busy--; }
    } count;
    try {
        const Head head = parse_head(text);
        admit(head);
        if (head.headers.count("expect")) connection.write("HTTP/1.1 100 Continue\r\n\r\n");
        const std::string body = read_body(connection, head);
        const auto option = head.headers.find("connection");
        const bool keep = !ending && (option == head.headers.end() || lower(option->second) != "close");
        Answer answer;
        try {
            answer = run(body);
        } catch (const Failure &failure) { // the body was read: the connection is good
            answer = error(failure.code, failure.what());
        }
        reply(connection, answer, keep);
        return keep;
    } catch (const Failure &failure) {
        reply(connection, error(failure.code, failure.what()), false);
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
            reply(connection, error(failure.code, failure.what()), false);
        } catch (const Closed &) {
        }
    } catch (const Closed &) {
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
        if (socket < 0) continue;
        pthread_sigmask(SIG_BLOCK, &term, nullptr);
        std::thread(converse, socket).detach();
        pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
    }
    close(listener);
    for (int i = 0; i < grace * 50 && busy > 0; i++) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::_Exit(0);
}

}  // namespace server
