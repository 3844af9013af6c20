// What a function is given. A function is written as
//
//     #include <runtime.hpp>
//     void handle(const runtime::Request &request, runtime::Response &response) { … }
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

namespace runtime {

struct Request {
    nlohmann::json env;      // object
    nlohmann::json headers;  // object
    std::string payload;
};

// Response takes the answer of a function. The first one counts. Copies share
// the answer, so that a thread can be given one.
class Response {
public:
    Response();

    void send(const std::string &text, int status = 200);
    void json(const nlohmann::json &value, int status = 200);

    struct State;
    std::shared_ptr<State> state;
};

}  // namespace runtime

void handle(const runtime::Request &request, runtime::Response &response);
