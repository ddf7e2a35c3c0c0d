#pragma once
// The gateways of a fabric and who has which key: announces ours, listens to the others'.
//
// How:     what opens and closes here gathers for a moment and goes out as one delta; a beat each
//          second says that we live, and how many deltas there were; who misses one asks, and gets
//          everything (announcement.hpp, directory.hpp).
// Two at once: where a sub, or an exclusive psub, of the same key opened at two gateways, the
// higher
//          (stamp, name) keeps it; `displaced` is told about ours.
// Threads: every function from any thread, none blocks but start() and stop(). One thread inside
//          announces; `displaced` runs in the subscriber's, without a lock.
// Ownership: `fabric` outlives it. Limits: DirectoryLimits.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/fabric.hpp"
#include "gateway/esub/cluster/directory.hpp"
#include "gateway/esub/cluster/local_keys.hpp"
#include "gateway/esub/cluster/settings.hpp"

namespace weft::gateway::esub {

class Membership {
public:
    using Displaced = std::function<void(Kind, const std::string& key, std::uint64_t id)>;

    Membership(fabric::Fabric& fabric, const ClusterSettings& settings, Displaced displaced);
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    /// Nothing but the local keys, if the gateway is alone. Throws fabric::OpenFailed.
    void start();
    /// The others are told that our keys are gone.
    void stop();

    void opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                std::uint64_t id);
    void closed(Kind kind, std::string_view key, std::uint64_t id);
    [[nodiscard]] std::optional<LocalKeys::Held> held_here(Kind kind, std::string_view key) const;

    [[nodiscard]] std::optional<Directory::Owner> find(std::string_view key, bool psub_only,
                                                       const std::set<std::string>& but = {});
    [[nodiscard]] std::optional<Directory::Owner> find(Kind kind, std::string_view key);

    /// Whether a reply to the shared psub is for a member elsewhere: each gateway goes round the
    /// whole pool by itself.
    [[nodiscard]] bool takes_turn_elsewhere(std::string_view key);

    /// "host:port" of our esub, for others to hand on.
    void use_address(std::string address);
    [[nodiscard]] std::string address() const;
    [[nodiscard]] const std::string& name() const noexcept;
    /// Ourselves first.
    [[nodiscard]] std::vector<Directory::Member> members() const;
    [[nodiscard]] std::vector<std::string> keys_of(const std::string& node) const;
    [[nodiscard]] bool join(const std::string& node, const std::string& address);
    /// Of somebody who is not on the fabric. Nothing: the name is that of a gateway of the fabric.
    [[nodiscard]] std::optional<Directory::Heard> hear_outsider(const std::string& node,
                                                                const Announcement& said);
    [[nodiscard]] Directory::Stats stats() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway::esub
