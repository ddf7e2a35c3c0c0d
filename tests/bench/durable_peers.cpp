// Publish and be told that it is kept: weft through its relay to a journal that says `stored` after
// its fsync, signed and verified both ways, beside JetStream's asynchronous publish to a stream of
// one replica in its file store, unsigned, which by default has not been synced when it is
// acknowledged.

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "reliability/journal/rocksdb_journal.hpp"
#include "reliability/service/recorder.hpp"
#include "signing/identity.hpp"
#include "tests/bench/ack_peers.hpp"
#include "tests/bench/nats_parts.hpp"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class WeftDurable final : public WeftAck {
public:
    WeftDurable(const fs::path& directory, std::string publisher, std::string journal,
                fs::path disk)
        : WeftAck(directory, std::move(publisher), std::move(journal)), disk_(std::move(disk)) {}

    [[nodiscard]] std::string name() const override { return "weft"; }

    void publish(const Meeting& meeting, const Load& load) const override {
        const auto fabric = open(recipient(), meeting);
        fs::remove_all(disk_);
        auto journal = reliability::RocksdbJournal::open(disk_);
        if (!journal) throw std::runtime_error(journal.error().sentence);
        {
            reliability::Recorder recorder(*fabric, **journal, {"bench.**"});
            if (const auto ready = recorder.wait_ready(20s); !ready.ready) {
                throw std::runtime_error(ready.sentence);
            }
            meeting.await_ready(load.subscribers);
        }
        journal->reset();
        fs::remove_all(disk_);
    }

protected:
    [[nodiscard]] reliability::ReliableOptions options() const override {
        reliability::ReliableOptions options;
        options.durable = true;
        options.ack_timeout = 20s;
        return options;
    }

private:
    const fs::path disk_;
};

class JetStream final : public Peer {
public:
    explicit JetStream(fs::path disk) : disk_(std::move(disk)) {}
    [[nodiscard]] std::string name() const override { return "jetstream"; }
    [[nodiscard]] std::unique_ptr<Middle> middle() const override {
        fs::remove_all(disk_);
        return start_nats("jetstream: { store_dir: \"" + disk_.string() + "\" }\n");
    }

    /// The server is the other side.
    void publish(const Meeting& meeting, const Load& load) const override {
        meeting.await_ready(load.subscribers);
        fs::remove_all(disk_);
    }

    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override {
        natsConnection* connection = connect_nats(meeting.publish_at, true);
        Publishing publishing(load);
        jsOptions options;
        check(jsOptions_Init(&options), "options");
        options.PublishAsync.MaxPending = static_cast<int64_t>(load.in_flight);
        options.PublishAsync.AckHandler = &Publishing::on_ack;
        options.PublishAsync.AckHandlerClosure = &publishing;
        options.PublishAsync.StallWait = 60'000;
        jsCtx* stream = nullptr;
        check(natsConnection_JetStream(&stream, connection, &options), "JetStream");
        add_stream(stream);
        Bodies bodies(load);
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            // One at a time is asked for the next one's latency, not for a queue's.
            publishing.window.enter();
            const std::string& body = bodies.next();
            check(js_PublishAsync(stream, "bench.durable", body.data(),
                                  static_cast<int>(body.size()), nullptr),
                  "publish");
        }
        if (!publishing.window.wait_until_empty() || publishing.failed > 0) {
            throw std::runtime_error("JetStream did not acknowledge everything");
        }
        meeting.i_am_ready();
        jsCtx_Destroy(stream);
        natsConnection_Destroy(connection);
        return publishing.arrivals.seen();
    }

private:
    struct Publishing {
        explicit Publishing(const Load& load) : arrivals(load), window(load.in_flight) {}
        static void on_ack(jsCtx*, natsMsg* message, jsPubAck*, jsPubAckErr* error, void* closure) {
            auto& self = *static_cast<Publishing*>(closure);
            if (error != nullptr) {
                ++self.failed;
            } else {
                self.arrivals.add({natsMsg_GetData(message), 8});
            }
            natsMsg_Destroy(message);
            self.window.leave();
        }
        Arrivals arrivals;
        Window window;
        std::atomic<int> failed{0};
    };

    static void add_stream(jsCtx* stream) {
        jsStreamConfig config;
        check(jsStreamConfig_Init(&config), "stream");
        const char* subjects[] = {"bench.durable"};
        config.Name = "bench";
        config.Subjects = subjects;
        config.SubjectsLen = 1;
        config.Storage = js_FileStorage;
        jsErrCode code{};
        natsStatus status = NATS_ERR;
        // JetStream comes up a moment after the server listens.
        const std::uint64_t give_up = now_ns() + 10'000'000'000;
        while (status != NATS_OK && now_ns() < give_up) {
            status = js_AddStream(nullptr, stream, &config, nullptr, &code);
        }
        check(status, "add stream");
    }

    const fs::path disk_;
};

}  // namespace

std::unique_ptr<Peer> weft_durable(support::SigningFixture& world, const fs::path& disk) {
    using signing::Role;
    return std::make_unique<WeftDurable>(
        world.directory(), issue_name(world, "keeps.host1", {Role::publish, Role::ack}),
        issue_name(world, "journal.host1", {Role::publish, Role::ack, Role::journal}),
        disk / "weft");
}

std::unique_ptr<Peer> jetstream(const fs::path& disk) {
    return std::make_unique<JetStream>(disk / "jetstream");
}

}  // namespace weft::bench
