// What an idle publisher and an idle subscriber cost in memory.

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

#include "fabric/node/publisher.hpp"
#include "fabric/node/subscriber.hpp"
#include "tests/bench/suite.hpp"

namespace weft::bench {
namespace {

constexpr int pairs = 50;

double resident_kib() {
    long pages = 0;
    std::ifstream statm("/proc/self/statm");
    statm >> pages >> pages;
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

IdleMemory measure(support::SigningFixture& world, const support::Identity& identity) {
    const fabric::SystemClock clock;
    const auto transport = fabric::make_zmq_transport({});
    const auto who = std::make_shared<const signing::Identity>(
        signing::Identity{identity.key, identity.certificate});
    std::vector<std::unique_ptr<fabric::Publisher>> publishers;
    std::vector<std::unique_ptr<fabric::Subscriber>> subscribers;
    // The first of each brings what all share: libzmq's threads, caches of the C library.
    double before = 0;
    for (int i = 0; i <= pairs; ++i) {
        fabric::PublisherSettings settings;
        settings.mode = fabric::PublisherSettings::Mode::bind;
        settings.endpoints = {"tcp://127.0.0.1:0"};
        publishers.push_back(
            support::must(fabric::Publisher::open(*transport, clock, settings, who, nullptr)));
        if (i == 0) before = resident_kib();
    }
    IdleMemory memory;
    memory.publisher_kib = (resident_kib() - before) / pairs;
    for (int i = 0; i <= pairs; ++i) {
        fabric::SubscriberSettings settings;
        settings.globs = support::globs_of({"org.weft.dev.bench.**"});
        settings.endpoints = {publishers[static_cast<std::size_t>(i)]->bound()};
        subscribers.push_back(support::must(fabric::Subscriber::open(
            *transport, clock, settings, world.trust(), fabric::SubscriberHooks{})));
        if (!subscribers.back()->wait_ready(std::chrono::seconds{20}).ready) {
            throw std::runtime_error("memory: a subscriber found no publisher");
        }
        if (i == 0) before = resident_kib();
    }
    memory.subscriber_kib = (resident_kib() - before) / pairs;
    return memory;
}

}  // namespace

IdleMemory idle_memory(support::SigningFixture& world, const support::Identity& identity) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t pid = ::fork();
    if (pid == 0) {
        try {
            const IdleMemory memory = measure(world, identity);
            ::_exit(::write(ends[1], &memory, sizeof memory) == sizeof memory ? 0 : 1);
        } catch (const std::exception&) {
            ::_exit(1);
        }
    }
    ::close(ends[1]);
    IdleMemory memory;
    const bool got = ::read(ends[0], &memory, sizeof memory) == sizeof memory;
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
    if (!got) throw std::runtime_error("memory: the measuring process failed");
    return memory;
}

}  // namespace weft::bench
