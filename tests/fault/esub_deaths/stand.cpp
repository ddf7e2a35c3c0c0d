#include "tests/fault/esub_deaths/stand.hpp"

#include <fcntl.h>
#include <sched.h>

#include <stdexcept>
#include <utility>

#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

Descriptor opened(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) fail_with_errno(path);
    return file;
}

}  // namespace

InNamespace::InNamespace(const std::string& name) {
    if (name.empty()) return;
    home_ = opened("/proc/thread-self/ns/net");
    const Descriptor there = opened("/run/netns/" + name);
    if (::setns(there.get(), CLONE_NEWNET) != 0) fail_with_errno("setns");
}

InNamespace::~InNamespace() {
    if (home_.is_open() && ::setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();
}

Stand::Stand(bool distant, const std::string& more) {
    if (distant) {
        network_.emplace();
        near_ = network_->on_right().back();
        far_ = network_->on_left().back();
        address_.host = NetworkNamespaces::right_address();
    }
    address_.port = free_port();
    fabric_.configure("reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
                      std::to_string(free_port()) + "' } }\ngateway: { esub: { " + more +
                      " }, listeners: [ { address: '" + address_.host + ":" +
                      std::to_string(address_.port) + "', serve: [esub] } ] }");
    relay_.emplace(start({"relay"}));
    relay_->wait_for_line(Stream::out, "ready");
    gateway_.emplace(start({"gateway"}));
    gateway_->wait_for_line(Stream::out, "ready");
}

Process Stand::start(std::vector<std::string> arguments) {
    if (!network_) return fabric_.start(std::move(arguments));
    std::vector<std::string> argv = network_->on_right();
    argv.push_back(weft_program());
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return Process::start(argv, {.cwd = fabric_.dir().path()});
}

Client Stand::connect_far(int receive_buffer) const {
    const InNamespace there(far_);
    return Client(address_, receive_buffer);
}

Client Stand::connect_near() const {
    const InNamespace there(near_);
    return Client(address_);
}

void Stand::await_keys(const std::string& prefix, std::size_t count) const {
    Client control = connect_near();
    for (std::size_t seen = 0; seen < count;) {
        control.send("GET /keys HTTP/1.1\r\nHost: h\r\n\r\n");
        const unsigned status = control.read_status();
        if (status == 0) throw std::runtime_error("the gateway does not say its keys");
        if (status == 200 && !control.read_body()) throw std::runtime_error("keys are cut off");
        seen = 0;
        const std::string& keys = control.body();
        const std::string begin = "\"" + prefix;
        for (std::size_t at = 0; (at = keys.find(begin, at)) != std::string::npos; ++at) ++seen;
        if (seen < count) look_again_after_ms(1);
    }
}

void Stand::cut() {
    network_->cut_towards_left();
    network_->cut_towards_right();
}

void Stand::heal() {
    network_->heal_towards_left();
    network_->heal_towards_right();
}

}  // namespace weft::testing
