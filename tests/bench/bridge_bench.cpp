// What the gateway's bridge costs: durable publishes beside bare appends to the same kind of
// journal, and how soon waiters are woken. One JSON object.
//   bridge_bench [MESSAGES] (default 200000)   a relay in this process; journals below $TMPDIR
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "config/load.hpp"
#include "fabric/node/relay.hpp"
#include "gateway/bridge/live_bridge.hpp"
#include "reliability/journal/rocksdb_journal.hpp"
#include "signing/proof.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace weft;
using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t in_flight = 64, message_bytes = 256, waiters = 1000;

/// Real deadlines; the calendar is that of the certificates.
class BenchClock final : public fabric::Clock {
public:
    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return Steady::now().time_since_epoch();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;
    }
};

/// So many at a time, the next as soon as one is answered.
class InFlight {
public:
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return count_ < in_flight; });
        ++count_;
    }
    void leave(bool ok) {
        const std::scoped_lock lock(mutex_);
        --count_;
        failed_ += ok ? 0 : 1;
        changed_.notify_one();
    }
    std::size_t finish() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return count_ == 0; });
        return failed_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t count_ = 0, failed_ = 0;
};

/// Calls a second of `ask(done)`.
template <class Ask>
double rate(std::size_t messages, Ask ask) {
    InFlight flight;
    const auto began = Steady::now();
    for (std::size_t i = 0; i < messages; ++i) {
        flight.enter();
        ask([&](bool ok) { flight.leave(ok); });
    }
    if (const std::size_t failed = flight.finish(); failed > 0) {
        throw std::runtime_error(fmt::format("{} of {} failed", failed, messages));
    }
    const std::chrono::duration<double> took = Steady::now() - began;
    return static_cast<double>(messages) / took.count();
}

double bare_rate(const std::filesystem::path& path, std::size_t messages) {
    auto opened = reliability::RocksdbJournal::open(path, {});
    if (!opened) throw std::runtime_error(opened.error().sentence);
    const std::unique_ptr<reliability::Journal> journal = std::move(*opened);
    std::uint64_t seq = 0;
    return rate(messages, [&](auto done) {
        reliability::RunToStore run;
        run.topic = "org.weft.dev.bench";
        run.signer = "gateway";
        run.proof.assign(300, 'p');
        signing::append_item(std::string(message_bytes, 'x'), run.contents);
        run.messages.push_back({fabric::MessageId::make(++seq), {}, 1, seq});
        std::vector<reliability::RunToStore> runs;
        runs.push_back(std::move(run));
        journal->append(std::move(runs), [done](const auto& answer) { done(answer.has_value()); });
    });
}

gateway::PublishRequest request_for(const std::string& topic) {
    gateway::PublishRequest request;
    request.topic = topic;
    request.body.assign(message_bytes, 'x');
    request.content_type = "application/octet-stream";
    return request;
}

struct Latency {
    double p50_us, p99_us;
};

/// From the publish until the one who waits for that topic is called.
Latency wake_latency(gateway::LiveBridge& bridge, const gateway::Principal& who) {
    std::vector<std::atomic<std::int64_t>> woken(waiters);
    const auto topic = [](std::size_t i) { return fmt::format("org.weft.dev.key.{}", i); };
    for (std::size_t i = 0; i < waiters; ++i) {
        const reliability::TopicFilter filter({*signing::TopicGlob::parse(topic(i))});
        bridge.wait(bridge.journal().head, filter, std::chrono::minutes{5}, [&, i](gateway::Woken) {
            woken[i] = Steady::now().time_since_epoch().count();
        });
    }
    std::vector<double> took;
    for (std::size_t i = 0; i < waiters; ++i) {
        const auto began = Steady::now().time_since_epoch().count();
        bridge.publish(who, request_for(topic(i)), [](const auto&) {});
        while (woken[i] == 0) std::this_thread::yield();
        took.push_back(static_cast<double>(woken[i] - began) / 1000);
    }
    std::sort(took.begin(), took.end());
    return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

std::unique_ptr<fabric::Fabric> open_fabric(const support::SigningFixture& signing,
                                            const fabric::Relay& relay,
                                            const std::filesystem::path& journal,
                                            const fabric::Clock& clock) {
    config::LoadOptions options;
    options.directory = signing.directory();
    options.documents.push_back(
        {"weft.d/10.yaml",
         fmt::format("name: gateway\nfabric: {{ relay: {{ inbound: '{}', outbound: '{}' }}, "
                     "replay: {{ state: '' }} }}\nsigning: {{ directory: '{}' }}\nreliability: {{ "
                     "journal: {{ path: '{}', listen: 'tcp://127.0.0.1:0' }} }}\n",
                     relay.inbound(), relay.outbound(), signing.directory().string(),
                     journal.string())});
    const auto loaded = config::load(options);
    if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
    fabric::FabricOptions with;
    with.clock = &clock;
    return fabric::Fabric::open(*loaded, with);
}

void issue(const support::SigningFixture& signing) {
    signing::CertificateRequest request;
    request.name = "gateway";
    request.roles =
        support::roles_of({signing::Role::publish, signing::Role::ack, signing::Role::journal});
    request.globs = support::globs_of({"**"});
    request.not_before = support::SigningFixture::now - support::SigningFixture::day;
    request.not_after = support::SigningFixture::now + support::SigningFixture::day;
    support::must(signing::issue_identity(signing.directory(), signing.authority(), request,
                                          signing::WhenFileExists::replace));
}

void run(std::size_t messages) {
    const testing::TempDir directory;
    const BenchClock clock;
    const support::SigningFixture signing;
    issue(signing);
    const auto relay =
        support::must(fabric::Relay::open({"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", {}}));
    std::thread relaying([&] { relay->run(); });
    const auto fabric = open_fabric(signing, *relay, directory.path() / "gateway", clock);
    config::Problems problems;
    auto bridge = support::must(gateway::LiveBridge::open(
        *fabric, reliability::read_settings(fabric->configuration(), problems)));
    if (!bridge->wait_ready(milliseconds{10'000})) throw std::runtime_error(bridge->not_ready());
    gateway::Principal who;
    who.everything = true;

    const double bare = bare_rate(directory.path() / "bare", messages);
    const double durable = rate(messages, [&](auto done) {
        bridge->publish(who, request_for("org.weft.dev.bench"),
                        [done](const auto& answer) { done(answer.has_value()); });
    });
    const auto stats = bridge->stats();
    const Latency latency = wake_latency(*bridge, who);
    fmt::print(
        "{{\"messages\": {}, \"in_flight\": {}, \"bare_appends_per_second\": {:.0f}, "
        "\"durable_publishes_per_second\": {:.0f}, \"sent_again\": {}, \"waiters\": {}, "
        "\"wake_p50_us\": {:.0f}, \"wake_p99_us\": {:.0f}}}\n",
        messages, in_flight, bare, durable, stats.sent_again, waiters, latency.p50_us,
        latency.p99_us);
    bridge.reset();
    relay->stop();
    relaying.join();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000);
        return 0;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "{}\n", failed.what());
        return 1;
    }
}
