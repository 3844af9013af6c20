// The HTTP side of the server, and what it asks of the other side.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>

namespace server {

constexpr std::size_t max_body = 20 << 20;  // bytes
constexpr std::size_t max_head = 64 << 10;  // bytes
constexpr int idle = 60;                    // seconds that a silent connection is kept
constexpr int grace = 5;                    // seconds for running requests after SIGTERM

struct Answer {
    int status;
    std::string type;
    std::string body;
};

// Failure is an answer that is an error.
struct Failure : std::runtime_error {
    Failure(int code, const std::string &message) : std::runtime_error(message), code(code) {}
    int code;
};

// Head is a request before its body. Header names are in lower case.
struct Head {
    std::string method;
    bool keep = false;  // the connection may stay open
    std::map<std::string, std::string> headers;
};

Answer error(int code, const std::string &message);

// admit throws unless a request with this head may run a function.
void admit(const Head &head);

// run answers a request that was admitted.
Answer run(const std::string &body);

// serve answers until SIGTERM.
void serve(unsigned short port);

}  // namespace server
