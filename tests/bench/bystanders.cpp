#include "tests/bench/bystanders.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "fabric/node/control.hpp"
#include "fabric/node/subscriber.hpp"
#include "tests/support/zmtp_stranger.hpp"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

int in_process(const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    try {
        work();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fabric_throughput: a bystander: %s\n", error.what());
    }
    ::_exit(1);
}

/// The relay may not listen yet.
std::unique_ptr<support::ZmtpStranger> reach(const std::string& endpoint) {
    constexpr int receive_buffer = 4096, tries_max = 1000;
    for (int tries = 0;; ++tries) {
        try {
            return std::make_unique<support::ZmtpStranger>(endpoint, "SUB", receive_buffer);
        } catch (const std::runtime_error&) {
            if (tries == tries_max) throw;
            ::poll(nullptr, 0, 10);
        }
    }
}

void read_slowly(const std::string& outbound) {
    const auto stranger = reach(outbound);
    stranger->subscribe("");
    while (true) {
        ::poll(nullptr, 0, 100);
        static_cast<void>(stranger->read_some(100));
    }
}

/// Without these answers a subscriber does not count its peer as there.
void answer_probes(fabric::PublishPort& port) {
    fabric::SubscriptionEvent event;
    while (port.next_subscription(event)) {
        if (event.subscribed && event.prefix.starts_with(fabric::probe_prefix)) {
            port.send(event.prefix, {}, {});
        }
    }
}

void forge(const std::string& endpoint, support::Frames frames) {
    constexpr std::uint64_t between_answers = 64;
    // It stands for another host, which would take no processor from those that are measured.
    static_cast<void>(!::nice(19));
    fabric::ZmqOptions options;
    options.high_water_mark = 1000;
    const auto transport = fabric::make_zmq_transport(options);
    const auto port = support::must(transport->bind_publisher({endpoint}));
    for (std::uint64_t number = 1;; ++number) {
        std::memcpy(frames.contents.data() + frames.contents.size() - sizeof number, &number,
                    sizeof number);
        port->send(frames.topic, frames.contents, frames.proof);
        if (number % between_answers == 0) answer_probes(*port);
    }
}

}  // namespace

int stopped_subscriber(const std::string& outbound, std::shared_ptr<signing::TrustStore> trust) {
    const int pid = in_process([&] {
        const auto transport = fabric::make_zmq_transport({});
        const fabric::SystemClock clock;
        fabric::SubscriberSettings settings;
        settings.globs = support::globs_of({"org.weft.dev.bench.**"});
        settings.relay_outbound = outbound;
        auto subscriber = support::must(fabric::Subscriber::open(*transport, clock, settings, trust,
                                                                 fabric::SubscriberHooks{}));
        if (!subscriber->wait_ready(20s).ready) throw std::runtime_error("no relay");
        ::raise(SIGSTOP);
    });
    int status = 0;
    ::waitpid(pid, &status, WUNTRACED);
    if (!WIFSTOPPED(status)) throw std::runtime_error("the stopped subscriber did not stop");
    return pid;
}

int slow_subscriber(const std::string& outbound) {
    return in_process([&] { read_slowly(outbound); });
}

int forger(const std::string& endpoint, support::Frames genuine) {
    return in_process([&] { forge(endpoint, std::move(genuine)); });
}

}  // namespace weft::bench
