#include "tests/fault/deliveries/bus.hpp"

#include <csignal>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "signing/sodium.hpp"

namespace weft::fault {
namespace {

using testing::Stream;

std::string post(const std::string& path, const std::string& token, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: bus\r\nAuthorization: Basic " +
           signing::to_base64(token + ":x") + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string token_of(std::size_t subscriber) {
    return "s" + std::to_string(subscriber) + "--1";
}

}  // namespace

Bus::Bus(std::size_t subscribers) : port_(testing::free_port()) {
    std::string clients = "shop--1";
    for (std::size_t i = 0; i < subscribers; ++i) clients += ", " + token_of(i);
    fabric_.configure(
        "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
        std::to_string(testing::free_port()) +
        "' } }\n"
        "gateway:\n"
        "  listeners: [ { address: '127.0.0.1:" +
        std::to_string(port_) +
        "', serve: [routemaster] } ]\n"
        "  webhooks: { allow_http: true, allow_networks: [127.0.0.0/8], timeout: 1s }\n"
        "  routemaster: { root_key: root, clients: [" +
        clients + "] }");
    relay_ = fabric_.relay();
}

void Bus::start() {
    gateway_ = fabric_.start({"gateway"});
    gateway_->wait_for_line(Stream::out, "ready");
}

void Bus::kill() {
    gateway_->signal(SIGKILL);
    static_cast<void>(gateway_->wait());
    gateway_.reset();
}

int Bus::stop() {
    gateway_->signal(SIGTERM);
    return gateway_->wait();
}

void Bus::subscribe(std::size_t subscriber, const std::string& callback, std::size_t max,
                    std::size_t timeout_ms) {
    testing::HttpClient client(port_);
    const nlohmann::json body{
        {"topics", {"widgets"}}, {"callback", callback}, {"max", max}, {"timeout", timeout_ms}};
    const auto answer = client.ask(post("/subscription", token_of(subscriber), body.dump()));
    if (answer.status != 204) throw std::runtime_error("subscribing: " + answer.body + output());
}

bool Publisher::publish_next() {
    const nlohmann::json event{{"type", "update"},
                               {"url", "https://a.example/" + std::to_string(published_)}};
    try {
        if (!client_) client_ = std::make_unique<testing::HttpClient>(port_);
        if (client_->ask(post("/topics/widgets", "shop--1", event.dump())).status == 204) {
            ++published_;
            return true;
        }
    } catch (const std::exception&) {
        client_.reset();  // it was killed meanwhile
    }
    return false;
}

}  // namespace weft::fault
