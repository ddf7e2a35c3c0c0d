#pragma once
// Sends a reply, or a claim, to the gateway that has the key: a reliable publish on the key's topic
// with that gateway as its only recipient, at the level processed.
//
// Promises: `delivered` only where the owner said so with its own signature. An owner that does not
//           answer is asked once more under the same rid, which it answers from memory; then it is
//           no_answer: it may have delivered or not. One that says it has no such key is no answer
//           for another gateway that has it.
// Threads:  any; `done` once, from any. Ownership: the bridge, and what `find` asks, outlive what
// is under way.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/esub/cluster/directory.hpp"
#include "gateway/esub/cluster/key_topic.hpp"
#include "gateway/esub/elsewhere.hpp"

namespace weft::gateway::esub {

class Forwarder {
public:
    struct Times {
        std::chrono::milliseconds owner{2000};
        std::chrono::milliseconds member{0};  ///< More for each member of a pool.
    };
    /// Who has a key, but for those who were asked already. Any thread; may not block.
    using FindOwner = std::function<std::optional<Directory::Owner>(
        std::string_view key, bool psub_only, const std::set<std::string>& but)>;
    Forwarder(FabricBridge& bridge, FindOwner find, KeyTopics topics, Times times);

    void rep(const Rep& rep, SharedBytes body, OnVerdict done);
    /// delivered: the owner let its waiter go, or it has none. wrong_token: it may not be taken
    /// over.
    void claim(Kind kind, const Directory::Owner& owner, std::string_view token, OnVerdict done);

private:
    struct Errand;
    struct Parts;
    const std::shared_ptr<const Parts> parts_;
};

}  // namespace weft::gateway::esub
