#pragma once
// Replies that nobody waited for, kept in the journal: durable messages on the key's topic with a
// header that says so, for as long as keep_unclaimed says. What was consumed is marked by a message
// of its own on the same topic. Every gateway reads its own journal; the ids are that journal's.
//
// Threads: any, none blocks; callbacks once, from any. Ownership: `bridge` and `clock` outlive what
//          is under way.
// Limits:  10,000 records and 64 MiB of bodies are looked at for one question; 10,000 that were
//          consumed just now are remembered until the journal has them.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/esub/cluster/key_topic.hpp"
#include "gateway/esub/cluster/settings.hpp"
#include "gateway/esub/elsewhere.hpp"

namespace weft::gateway::esub {

class UnclaimedStore : public std::enable_shared_from_this<UnclaimedStore> {
public:
    UnclaimedStore(FabricBridge& bridge, const fabric::Clock& clock, KeyTopics topics,
                   const ClusterSettings& settings);

    /// Keeps it if the settings say so, and then tells `verdict` with the id, if it was stored.
    void keep(const Rep& rep, const SharedBytes& body, Verdict verdict, OnVerdict done);

    struct Record {
        std::uint64_t seq = 0, time_us = 0;
        bool delivered = false;
        std::string body;
        std::string id;  ///< Of the message.
    };
    struct Found {
        std::vector<Record> records;      ///< Of the token, by rising seq, not consumed.
        bool under_other_tokens = false;  ///< There are others.
        std::string problem;              ///< Not "": the journal could not be asked.
    };
    void find(std::string_view key, std::string_view token, std::uint64_t after,
              std::function<void(Found)> done);
    void consume(std::string_view key, const std::string& id);

private:
    struct Search;
    void remember(const std::string& id);
    [[nodiscard]] bool was_consumed(const std::string& id) const;

    FabricBridge& bridge_;
    const fabric::Clock& clock_;
    const KeyTopics topics_;
    const ClusterSettings settings_;
    mutable std::mutex mutex_;  // guards what follows
    std::unordered_set<std::string> consumed_;
    std::deque<std::string> consumed_order_;
};

}  // namespace weft::gateway::esub
