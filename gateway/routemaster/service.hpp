#pragma once
// What the listeners of Routemaster share: clients, topics, subscriptions, and the look that is
// taken each ten seconds at counts, figures and the journal's size.
//
// Threads:   any; see the members. begin() once.
// Ownership: what Parts names outlives it; it outlives the callbacks of bridge, room and engine:
//            let it go after these have stopped.
// Limits:    Settings.

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/auth/access.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/metrics/exposition.hpp"
#include "gateway/routemaster/autodrop.hpp"
#include "gateway/routemaster/clients.hpp"
#include "gateway/routemaster/event_polls.hpp"
#include "gateway/routemaster/measures.hpp"
#include "gateway/routemaster/settings.hpp"
#include "gateway/routemaster/state_desk.hpp"
#include "gateway/routemaster/subscriptions.hpp"
#include "gateway/routemaster/tally.hpp"
#include "gateway/routemaster/topic_table.hpp"
#include "gateway/routemaster/turns.hpp"

namespace weft::gateway::routemaster {

class Service {
public:
    static constexpr std::chrono::seconds look_every{10};
    /// Deliveries due within a second, from which on /pulse/scaling is slow (M12).
    static constexpr std::uint64_t scaling_threshold = 100;
    static constexpr std::chrono::milliseconds scaling_deadline{1000}, scaling_delay{1000};
    static constexpr std::size_t delayed_max = 1000;

    struct Parts {
        Settings settings;
        FabricBridge& bridge;
        JournalRoom& room;
        delivery::Engine& engine;
        Authenticator& tokens;  ///< Of `weft token`.
        Timers& timers;
        const fabric::Clock& clock;
        std::function<void(const std::string&)> warn{};
        std::function<void(const std::string&)> debug{};  ///< Figures, a line each.
    };

    explicit Service(Parts parts);
    /// Reads what is kept. Asked again by each request until it has succeeded.
    void begin();
    [[nodiscard]] bool is_ready() const noexcept { return state_ == State::ready; }

    /// What is done each ten seconds; `done` when it is through.
    void look(std::function<void()> done);
    [[nodiscard]] std::vector<Measure> measures();
    void figures(Figures& figures);

    /// How many deliveries are due soon.
    [[nodiscard]] std::uint64_t due(const std::vector<delivery::SubscriptionStatus>& all) const;
    /// Answers after `scaling_delay`, or when it stops.
    void answer_late(std::shared_ptr<Exchange> exchange, Response response);
    void stop();

    /// Events of a topic get their times and leave in one order.
    [[nodiscard]] std::mutex& order_of(const std::string& topic);
    [[nodiscard]] reliability::JournalId head() { return parts.bridge.journal().head; }

    const Parts parts;
    StateDesk desk;
    Clients clients;
    Access access;
    TopicTable topics;
    Tally tally;
    Subscriptions subscriptions;
    EventPolls polls;
    Turns turns;

private:
    enum class State : std::uint8_t { empty, loading, ready };

    void loaded(const StateDesk::Entries& entries);
    void look_later();
    void autodrop();
    void drop_to(std::uint64_t bytes);
    void alert(std::uint64_t bytes);

    std::atomic<State> state_{State::empty};
    std::atomic<bool> stopping_{false};
    std::array<std::mutex, 64> order_;

    std::mutex mutex_;
    Autodrop autodrop_;
    std::uint64_t autodropped_ = 0, autodrop_runs_ = 0;   // ids of the journal
    std::vector<delivery::SubscriptionStatus> statuses_;  // as last looked at
    std::uint64_t delayed_next_ = 0;
    std::map<std::uint64_t, std::pair<std::shared_ptr<Exchange>, Response>> delayed_;
};

}  // namespace weft::gateway::routemaster
