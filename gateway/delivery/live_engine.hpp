#pragma once
// The engine over a FabricBridge (what is stored), a JournalRoom (where subscriptions and their
// cursors are kept) and a Sender (libcurl).
//
// How:       each subscription is a Courier, a state machine without I/O; one thread asks them what
//            to do next and does it. Positions are cursors of the journal, `delivery.<id>` (a
//            capital X as u.x): `weft cursor list` shows them, and retention spares what they have
//            not read.
// Use:       open(), add() each presenter, start(); stop() before the bridge stops.
// Threads:   engine.hpp; one of its own, those of the sender and of the resolver.
// Ownership: bridge, room, clock and presenters outlive it.
// Errors:    open() says in a sentence what is wrong. A record that cannot be read is said by
//            `warn`, and left alone.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/delivery/notice.hpp"
#include "gateway/delivery/resolver.hpp"
#include "gateway/delivery/sender.hpp"
#include "gateway/delivery/settings.hpp"

namespace weft::gateway::delivery {

struct EngineLimits {
    std::size_t subscriptions = 5000;
    /// Of `details` and everything else of a subscription, as it is kept.
    std::size_t record_bytes = std::size_t{256} << 10;
    std::size_t side_sends = 64;  ///< Resends and tests under way.
};

/// One figure for /metrics. Labels come from small closed sets; no subscription is named.
struct EngineFigure {
    std::string name;  ///< "weft_delivery_attempts_total"; ends in "_total": it only rises.
    std::string help;
    double value = 0;
    std::vector<std::pair<std::string, std::string>> labels{};
};

class LiveEngine final : public Engine {
public:
    struct Parts {
        FabricBridge& bridge;
        JournalRoom& room;
        const fabric::Clock& clock;
        Settings settings{};
        EngineLimits limits{};
        std::shared_ptr<Sender> sender{};      ///< Null: libcurl.
        std::shared_ptr<Resolver> resolver{};  ///< Null: the system's.
        /// Both are called by the engine's thread and must not block; they may be empty.
        std::function<void(const Notice&)> on_notice{};
        std::function<void(const std::string&)> warn{};
    };
    /// Reads what is kept; waits for the journal.
    [[nodiscard]] static tl::expected<std::unique_ptr<LiveEngine>, std::string> open(Parts parts);
    ~LiveEngine() override;  ///< As stop().
    LiveEngine(const LiveEngine&) = delete;
    LiveEngine& operator=(const LiveEngine&) = delete;

    void add(const Presenter& presenter) override;
    /// Delivers from now on. A subscription whose kind nobody presents waits, and says why.
    void start();
    /// What is under way gets up to `patience`, then it is cancelled; positions are written.
    void stop(std::chrono::milliseconds patience = std::chrono::seconds{4});

    void check_url(std::string url, OnDone done) override;
    void put(Subscription subscription, std::optional<reliability::JournalId> start,
             OnDone done) override;
    void remove(std::string id, OnDone done) override;
    void status(std::string id, OnStatus done) override;
    void all(std::string kind, OnAll done) override;
    [[nodiscard]] std::vector<Subscription> subscriptions(std::string_view kind) override;
    void attempts(std::string id,
                  std::function<void(EngineResult<std::vector<Attempt>>)> done) override;
    void resend(std::string id, reliability::JournalId message, OnAttempt done) override;
    void send(std::string id, StoredEvent event, OnAttempt done) override;
    void recover(std::string id, std::uint64_t since_us, OnDone done) override;
    void confirm(std::string id, Fetched fetched, OnStatus done) override;
    void set_state(std::string id, Subscription::State state, std::string reason,
                   OnDone done) override;

    [[nodiscard]] std::vector<EngineFigure> figures() const;

private:
    struct Core;
    explicit LiveEngine(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;
};

}  // namespace weft::gateway::delivery
