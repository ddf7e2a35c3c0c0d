// How fast subscriptions are delivered, to a receiver in this process that only answers. Each
// figure stands beside what the receiver itself can take. One JSON object a line.
//   delivery_bench [all|throughput|batches|singles|latency|outage|crowd] [memory|DIRECTORY]
// The journal is in memory, or a RocksDB journal below DIRECTORY.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "fabric/message/codec.hpp"
#include "gateway/bridge/journal_desk.hpp"
#include "gateway/bridge/workers.hpp"
#include "gateway/delivery/live_engine.hpp"
#include "reliability/journal/memory_journal.hpp"
#include "reliability/journal/rocksdb_journal.hpp"
#include "signing/proof.hpp"
#include "tests/bench/fast_receiver.hpp"
#include "tests/support/look_again.hpp"

namespace {

using namespace weft;
using namespace weft::gateway;
using namespace weft::gateway::delivery;
using bench::FastReceiver;
using bench::plain_client_rate;
using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::int64_t nanoseconds_now() {
    return Steady::now().time_since_epoch().count();
}

double percentile_of(std::vector<double>& all, double share) {
    if (all.empty()) return -1;
    std::sort(all.begin(), all.end());
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
}

/// Of this process, receiver and all; what others on the machine change least.
double processor_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds_of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// Bodies are the time at which they were stored.
class BenchPresenter final : public Presenter {
public:
    [[nodiscard]] std::string_view kind() const noexcept override { return "bench"; }
    [[nodiscard]] bool wants(const Subscription&, const StoredEvent&) const override {
        return true;
    }
    [[nodiscard]] OutgoingRequest request(const Subscription&, std::span<const StoredEvent> events,
                                          const AttemptContext&) const override {
        OutgoingRequest request;
        request.headers = {{"Content-Type", "application/json"}};
        for (const StoredEvent& event : events) request.body.append(event.message.body()) += '\n';
        return request;
    }
};

/// A bridge that only reads, and the room of the same journal.
class BenchBridge final : public FabricBridge, public JournalRoom {
public:
    explicit BenchBridge(const std::string& where) : journal_(open(where)) {
        cursors_ = std::make_unique<reliability::CursorStore>(*journal_, clock_);
        groups_ = std::make_unique<reliability::GroupService>(*cursors_);
        desk_ = std::make_unique<JournalDesk>(*journal_, nullptr, clock_);
    }
    ~BenchBridge() override {
        desk_->stop();
        workers_.stop();
    }
    void publish(const Principal&, PublishRequest, OnPublished) override {}
    void read(ReadRequest request, OnPage done) override {
        desk_->read(std::move(request), std::move(done));
    }
    Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                milliseconds timeout, OnWoken done) override {
        return desk_->wait(after, filter, timeout, std::move(done));
    }
    void forget(Ticket ticket) override { desk_->forget(ticket); }
    std::optional<reliability::JournalId> nothing_after(
        reliability::JournalId after, const reliability::TopicFilter& filter) override {
        return desk_->nothing_after(after, filter);
    }
    reliability::JournalInfo journal() override { return journal_->info(); }
    std::string not_ready() override { return {}; }
    bool work(Work todo) override {
        return workers_.post([this, todo = std::move(todo)](Workers::Turn) {
            reliability::StoredVerifier verifier(nullptr);
            JournalThings things{*journal_, *cursors_, *groups_, verifier};
            todo(things);
        });
    }

    void store(std::size_t count, const std::string& topic = "org.weft.dev.bench") {
        for (std::size_t done = 0; done < count;) {
            reliability::RunToStore run;
            run.topic = topic;
            for (; done < count && run.messages.size() < 256; ++done) {
                fabric::ContentHeader header;
                header.id = fabric::MessageId::make(clock_.utc_us() / 1000);
                header.epoch = 1;
                header.seq = ++seq_;
                header.content_type = "text/plain";
                const std::string body = fmt::format("{:<200}", nanoseconds_now());
                std::string content(fabric::encoded_size(header, body), '\0');
                fabric::encode_content(header, body, content.data());
                signing::append_item(content, run.contents);
                run.messages.push_back({header.id, {}, header.epoch, header.seq});
            }
            std::vector<reliability::RunToStore> runs;
            runs.push_back(std::move(run));
            if (const auto stored = journal_->append(std::move(runs)); !stored) {
                throw std::runtime_error(stored.error().sentence);
            }
        }
    }
    [[nodiscard]] const fabric::Clock& clock() const { return clock_; }

private:
    static std::unique_ptr<reliability::Journal> open(const std::string& where) {
        if (where == "memory") return std::make_unique<reliability::MemoryJournal>();
        static int number = 0;
        auto opened = reliability::RocksdbJournal::open(
            std::filesystem::path(where) / fmt::format("journal{}", ++number), {});
        if (!opened) throw std::runtime_error(opened.error().sentence);
        return std::move(*opened);
    }

    fabric::SystemClock clock_;
    std::unique_ptr<reliability::Journal> journal_;
    std::unique_ptr<reliability::CursorStore> cursors_;
    std::unique_ptr<reliability::GroupService> groups_;
    std::unique_ptr<JournalDesk> desk_;
    Workers workers_{2, 1024};
    std::uint64_t seq_ = 0;
};

class DeliveryBench {
public:
    explicit DeliveryBench(const std::string& where)
        : bridge_(where),
          receiver_([this](std::string_view path, std::string_view body) { took(path, body); }) {
        Settings settings;
        settings.allow_http = true;
        settings.allow_networks = {"127.0.0.0/8"};
        auto opened = LiveEngine::open({bridge_, bridge_, bridge_.clock(), settings});
        if (!opened) throw std::runtime_error(opened.error());
        engine_ = std::move(*opened);
        engine_->add(presenter_);
        engine_->start();
    }
    ~DeliveryBench() { engine_->stop(milliseconds{0}); }
    DeliveryBench(const DeliveryBench&) = delete;
    DeliveryBench& operator=(const DeliveryBench&) = delete;

    void subscribe(const std::string& id, std::size_t max, std::uint16_t port = 0,
                   milliseconds timeout = milliseconds{0}) {
        Subscription subscription;
        subscription.id = id;
        subscription.kind = "bench";
        subscription.url =
            fmt::format("http://127.0.0.1:{}/{}", port == 0 ? receiver_.port() : port, id);
        subscription.interests = {{*signing::TopicGlob::parse("org.weft.dev.bench")}};
        subscription.batching.max = max;
        subscription.batching.timeout = timeout;
        engine_->put(subscription, std::nullopt, [this](const EngineResult<void>& done) {
            if (!done) fmt::print(stderr, "{}\n", done.error().sentence);
            ++puts_;
        });
        while (puts_ == asked_) testing::look_again_after_ms(1);
        ++asked_;
    }
    void wait_for(std::size_t events) const {
        const auto deadline = Steady::now() + seconds{120};
        while (events_ < events) {
            if (Steady::now() > deadline) {
                throw std::runtime_error(fmt::format("{} of {} came", events_.load(), events));
            }
            testing::look_again_after_ms(1);
        }
    }
    void record(bool on) {
        const std::scoped_lock lock(mutex_);
        recording_ = on;
        latencies_.clear();
    }
    /// Milliseconds.
    [[nodiscard]] double percentile(double share) {
        const std::scoped_lock lock(mutex_);
        return percentile_of(latencies_, share);
    }
    [[nodiscard]] std::size_t events() const { return events_; }
    BenchBridge& bridge() { return bridge_; }
    FastReceiver& receiver() { return receiver_; }
    LiveEngine& engine() { return *engine_; }

private:
    void took(std::string_view /*path*/, std::string_view body) {
        const auto count = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n'));
        if (recording_) {
            const double since =
                static_cast<double>(
                    nanoseconds_now() -
                    std::strtoll(std::string{body.substr(0, 24)}.c_str(), nullptr, 10)) /
                1e6;
            const std::scoped_lock lock(mutex_);
            latencies_.push_back(since);
        }
        if (!receiver_refuses_) events_ += count;
    }

public:
    std::atomic<bool> receiver_refuses_{false};

private:
    std::atomic<std::size_t> events_{0};
    std::atomic<int> puts_{0};
    int asked_ = 0;
    std::mutex mutex_;
    std::atomic<bool> recording_{false};
    std::vector<double> latencies_;
    BenchBridge bridge_;
    FastReceiver receiver_;
    BenchPresenter presenter_;
    std::unique_ptr<LiveEngine> engine_;
};

void throughput(const std::string& where, std::size_t max, std::size_t subscriptions,
                std::size_t events) {
    DeliveryBench stand(where);
    // A subscription has one request under way, so a plain client of as many connections is its
    // peer.
    const double limit =
        plain_client_rate(stand.receiver().port(), std::min<std::size_t>(subscriptions, 8), 5000,
                          std::string(max * 201, 'x'));
    for (std::size_t i = 0; i < subscriptions; ++i) stand.subscribe(fmt::format("s{}", i), max);
    stand.bridge().store(1);
    stand.wait_for(subscriptions);
    const auto began = Steady::now();
    const std::uint64_t before = stand.receiver().requests();
    const double processor_before = processor_seconds();
    stand.bridge().store(events / subscriptions);
    const std::chrono::duration<double> stored = Steady::now() - began;
    stand.wait_for(subscriptions + events / subscriptions * subscriptions);
    const std::chrono::duration<double> took = Steady::now() - began;
    const auto requests = static_cast<double>(stand.receiver().requests() - before);
    const double rate = requests / took.count();
    fmt::print(
        "{{\"what\": \"throughput\", \"batch\": {}, \"subscriptions\": {}, \"events_per_second\": "
        "{:.0f}, \"requests_per_second\": {:.0f}, \"plain_client_requests_per_second\": {:.0f}, "
        "\"ratio\": {:.3f}, \"processor_us_per_request\": {:.0f}, \"storing_took_s\": {:.2f}}}\n",
        max, subscriptions, static_cast<double>(events) / took.count(), rate, limit, rate / limit,
        (processor_seconds() - processor_before) * 1e6 / requests, stored.count());
}

void latency(const std::string& where) {
    DeliveryBench stand(where);
    stand.subscribe("one", 1);
    stand.record(true);
    std::vector<double> storing;
    for (int i = 0; i < 500; ++i) {
        const std::int64_t began = nanoseconds_now();
        stand.bridge().store(1);
        storing.push_back(static_cast<double>(nanoseconds_now() - began) / 1e6);
        testing::look_again_after_ms(20);
    }
    stand.wait_for(500);
    fmt::print(
        "{{\"what\": \"latency\", \"per_second\": 50, \"p50_ms\": {:.2f}, \"p99_ms\": {:.2f}, "
        "\"storing_alone_p50_ms\": {:.2f}, \"storing_alone_p99_ms\": {:.2f}}}\n",
        stand.percentile(0.5), stand.percentile(0.99), percentile_of(storing, 0.5),
        percentile_of(storing, 0.99));
}

void outage(const std::string& where) {
    DeliveryBench stand(where);
    stand.subscribe("one", 100, 0, milliseconds{50});
    stand.receiver_refuses_ = true;
    stand.receiver().refuse(true);
    for (int i = 0; i < 500; ++i) {
        stand.bridge().store(1);
        testing::look_again_after_ms(20);
    }
    stand.receiver_refuses_ = false;
    stand.receiver().refuse(false);
    const auto back = Steady::now();
    const std::size_t before = stand.events();
    stand.wait_for(before + 1);
    const std::chrono::duration<double> first = Steady::now() - back;
    stand.wait_for(before + 500);
    const std::chrono::duration<double> all = Steady::now() - back;
    fmt::print(
        "{{\"what\": \"outage\", \"seconds\": 10, \"first_after_s\": {:.2f}, "
        "\"caught_up_after_s\": "
        "{:.2f}, \"draining_s\": {:.2f}}}\n",
        first.count(), all.count(), all.count() - first.count());
}

/// A thousand subscriptions of one topic; some lead to a port where nobody answers.
void crowd(const std::string& where, std::size_t dead) {
    DeliveryBench stand(where);
    // It takes connections, by the kernel, and never says anything.
    const int hole = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(hole, any, size) != 0 || ::listen(hole, 64) != 0 ||
        ::getsockname(hole, any, &size) != 0) {
        throw std::runtime_error("no socket");
    }
    const auto began_put = Steady::now();
    for (std::size_t i = 0; i < 1000; ++i) {
        stand.subscribe(fmt::format("s{}", i), 1, i < dead ? ntohs(address.sin_port) : 0);
    }
    const std::chrono::duration<double> put = Steady::now() - began_put;
    stand.bridge().store(1);
    stand.wait_for(1000 - dead);
    stand.record(true);
    constexpr std::size_t rounds = 100;
    for (std::size_t i = 0; i < rounds; ++i) {
        stand.bridge().store(1);
        testing::look_again_after_ms(200);
    }
    stand.wait_for((rounds + 1) * (1000 - dead));
    fmt::print(
        "{{\"what\": \"crowd\", \"subscriptions\": 1000, \"dead\": {}, \"p50_ms\": {:.1f}, "
        "\"p99_ms\": {:.1f}, \"puts_took_s\": {:.2f}}}\n",
        dead, stand.percentile(0.5), stand.percentile(0.99), put.count());
    ::close(hole);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::string what = argc > 1 ? argv[1] : "all";
        const std::string where = argc > 2 ? argv[2] : "memory";
        const auto wanted = [&](const char* name) { return what == "all" || what == name; };
        if (wanted("throughput") || what == "batches") {
            throughput(where, 100, 1, 500'000);
            throughput(where, 100, 8, 800'000);
        }
        if (wanted("throughput") || what == "singles") {
            throughput(where, 1, 1, 40'000);
            throughput(where, 1, 16, 160'000);
        }
        if (wanted("latency")) latency(where);
        if (wanted("outage")) outage(where);
        if (wanted("crowd")) {
            crowd(where, 0);
            crowd(where, 10);
        }
        return 0;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "{}\n", failed.what());
        return 1;
    }
}
