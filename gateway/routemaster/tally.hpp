#pragma once
// Counts the events of each topic by reading the journal: what services on the fabric publish
// counts as what clients publish does, and nothing is counted twice over a restart. It reads when
// it is asked to, from where it was.
//
// Threads: any. Ownership: bridge, table, desk and turns outlive it and its callbacks.

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/routemaster/state_desk.hpp"
#include "gateway/routemaster/topic_table.hpp"

namespace weft::gateway::routemaster {

class Tally {
public:
    Tally(std::string root, FabricBridge& bridge, TopicTable& table, StateDesk& desk);

    void load(const StateDesk::Entries& entries);
    /// Counts what is stored now; `done` also where it cannot be read: counts are late then.
    void catch_up(std::function<void()> done);
    /// Keeps what was counted. Not while a topic is deleted.
    void keep(std::function<void()> done);

    struct Stats {
        std::uint64_t events = 0, bytes = 0;
        std::uint64_t malformed = 0;  ///< Messages of its topics that are no events: passed over.
    };
    struct OfTopic {
        std::string topic;
        std::uint64_t events = 0, bytes = 0;
    };
    /// Since the start.
    [[nodiscard]] Stats stats() const;
    [[nodiscard]] std::vector<OfTopic> by_topic() const;

private:
    void read();
    void take(const BridgeResult<EventPage>& page);

    const std::string root_;
    FabricBridge& bridge_;
    TopicTable& table_;
    StateDesk& desk_;
    const reliability::TopicFilter filter_;

    mutable std::mutex mutex_;
    bool reading_ = false;
    reliability::Position position_{};
    bool moved_ = false;  // since it was kept
    std::vector<std::function<void()>> next_, current_;
    Stats stats_;
    std::map<std::string, OfTopic> topics_;
};

}  // namespace weft::gateway::routemaster
