// The server that is linked with a function: POST / runs handle.
#include "server.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "runtime.hpp"

using nlohmann::json;

namespace runtime {

struct Response::State {
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_ptr<server::Answer> answer;

    void finish(server::Answer given) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!answer) {
            answer = std::make_unique<server::Answer>(std::move(given));
            changed.notify_all();
        }
    }
};

static void check(int status) {
    if (status < 200 || status > 599) throw std::out_of_range("status code " + std::to_string(status) + " is not between 200 and 599");
}

Response::Response() : state(std::make_shared<State>()) {}

void Response::send(const std::string &text, int status) {
    check(status);
    state->finish({status, "text/plain; charset=utf-8", text});
}

void Response::json(const nlohmann::json &value, int status) {
    check(status);
    state->finish({status, "application/json", value.dump(-1, ' ', false, json::error_handler_t::replace)});
}

}  // namespace runtime

namespace server {

static const double max_timeout = 900;  // seconds, for requests that name none
static std::string key;                 // set before the first request

Answer error(int code, const std::string &message) {
    const json object = {{"code", code}, {"message", message}};
    return {code, "application/json", object.dump(-1, ' ', false, json::error_handler_t::replace)};
}

// equal compares in a time that depends on the length of the challenge only.
static bool equal(const std::string &challenge) {
    unsigned difference = challenge.size() != key.size();
    for (std::size_t i = 0; i < challenge.size(); i++) {
        difference |= static_cast<unsigned char>(challenge[i]) ^ static_cast<unsigned char>(key[i % key.size()]);
    }
    return difference == 0;
}

void admit(const Head &head) {
    if (head.method != "POST") throw Failure(405, "Only POST runs a function");
    const auto challenge = head.headers.find("x-internal-challenge");
    if (key.empty() || challenge == head.headers.end() || !equal(challenge->second)) throw Failure(401, "Unauthorized");
}

struct Call {
    runtime::Request request;
    std::chrono::duration<double> timeout;
};

// depth stops JSON that would need more stack than there is.
static bool shallow(int depth, json::parse_event_t, json &) {
    if (depth > 1000) throw Failure(400, "Body is nested too deeply");
    return true;
}

static Call parse(const std::string &body) {
    // The library takes a zero byte for the end.
    if (body.find('\0') != std::string::npos) throw Failure(400, "Body is not JSON: it has a zero byte");
    json object;
    try {
        object = json::parse(body, shallow);
    } catch (const json::exception &problem) {
        throw Failure(400, std::string("Body is not JSON: ") + problem.what());
    }
    if (!object.is_object()) throw Failure(400, "Body is not a JSON object");
    const json env = object.value("env", json::object()), headers = object.value("headers", json::object());
    const json payload = object.value("payload", json("")), timeout = object.value("timeout", json(max_timeout));
    if (!env.is_object()) throw Failure(400, "env is not an object");
    if (!headers.is_object()) throw Failure(400, "headers is not an object");
    if (!payload.is_string()) throw Failure(400, "payload is not a string");
    if (!timeout.is_number() || timeout.get<double>() <= 0) throw Failure(400, "timeout is not a number of seconds");
    return {{env, headers, payload.get<std::string>()}, std::chrono::duration<double>(std::min(timeout.get<double>(), max_timeout))};
}

// call runs the function; what it throws fails the request.
static void call(const runtime::Request &request, runtime::Response response) {
    try {
        handle(request, response);
    } catch (const std::exception &thrown) {
        const char *text = thrown.what();
        response.state->finish(error(500, text != nullptr ? text : "The function threw an exception without a text"));
    } catch (...) {
        response.state->finish(error(500, "The function threw something that is no std::exception"));
    }
}

Answer run(const std::string &body) {
    const Call c = parse(body);
    const runtime::Response response;
    try {
        std::thread(call, c.request, response).detach();
    } catch (const std::system_error &problem) {
        throw Failure(500, std::string("No thread for the function: ") + problem.what());
    }
    auto &state = *response.state;
    std::unique_lock<std::mutex> lock(state.mutex);
    if (!state.changed.wait_for(lock, c.timeout, [&] { return state.answer != nullptr; })) {
        lock.unlock();
        state.finish(error(500, "Function did not answer in time"));
        lock.lock();
    }
    return *state.answer;
}

}  // namespace server

int main() {
    if (const char *given = std::getenv("INTERNAL_RUNTIME_KEY")) server::key = given;
    unsetenv("INTERNAL_RUNTIME_KEY");  // not the function's business
    server::serve(3000);
}
