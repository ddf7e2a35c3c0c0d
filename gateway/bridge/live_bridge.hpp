#pragma once
// The bridge over the real thing: a fabric, and the journal of this process.
//
// How:       durable publishes come back to our own recorder (durable_publishes.hpp); acknowledged
//            ones go through a ReliablePublisher; reads and waits are those of a JournalDesk; what
//            needs the journal itself is done by workers of its own (journal_room.hpp).
// Threads:   as fabric_bridge.hpp says; ARCHITECTURE.md has the table.
// Ownership: the fabric outlives it; it owns the journal.
// Errors:    opening says in a sentence what is wrong and what to do.
// Needs:     signing and validation, and a certificate with the roles journal, publish and ack.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/fabric.hpp"
#include "gateway/bridge/bridge_limits.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/bridge/peers.hpp"
#include "gateway/bridge/traffic.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/recorder.hpp"
#include "reliability/settings.hpp"

namespace weft::gateway {

struct BridgeStats {
    std::uint64_t published = 0;  ///< Answered with success, of all modes.
    std::uint64_t failed = 0;
    std::uint64_t sent_again = 0;       ///< Durable ones that did not come back soon.
    std::uint64_t durable_now = 0;      ///< On their way.
    std::uint64_t waited_for_room = 0;  ///< The sending queue was full when they came.
    std::uint64_t reads = 0, reads_busy = 0;
    std::uint64_t refused = 0;  ///< Stored messages whose proof did not hold.
    std::uint64_t waiting_now = 0;
    reliability::RecorderStats recorder;
    reliability::JournalServiceStats service;
};

class LiveBridge final : public FabricBridge, public JournalRoom {
public:
    using Opened = tl::expected<std::unique_ptr<LiveBridge>, std::string>;

    /// Over the journal that `settings` describe, which no other process may have.
    [[nodiscard]] static Opened open(fabric::Fabric& fabric, const reliability::Settings& settings,
                                     const BridgeLimits& limits = {});
    [[nodiscard]] static Opened over(fabric::Fabric& fabric, const reliability::Settings& settings,
                                     std::unique_ptr<reliability::Journal> journal,
                                     const BridgeLimits& limits = {});
    ~LiveBridge() override;
    LiveBridge(const LiveBridge&) = delete;
    LiveBridge& operator=(const LiveBridge&) = delete;

    void publish(const Principal& who, PublishRequest request, OnPublished done) override;
    void read(ReadRequest request, OnPage done) override;
    Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                std::chrono::milliseconds timeout, OnWoken done) override;
    void forget(Ticket ticket) override;
    [[nodiscard]] std::optional<reliability::JournalId> nothing_after(
        reliability::JournalId after, const reliability::TopicFilter& filter) override;
    [[nodiscard]] bool work(Work todo) override;
    [[nodiscard]] reliability::JournalInfo journal() override;
    [[nodiscard]] std::string not_ready() override;

    /// True as soon as not_ready() is "".
    [[nodiscard]] bool wait_ready(std::chrono::milliseconds timeout) const;
    /// Where others can ask the journal.
    [[nodiscard]] std::string bound() const;
    /// The one group service of the journal, and its cursors.
    [[nodiscard]] reliability::CursorStore& cursors();
    [[nodiscard]] reliability::GroupService& groups();
    /// Returns within stop_patience, two looks at the relay, and what the journal's disk takes.
    /// Not from a callback. The destructor does the same.
    void stop();
    [[nodiscard]] BridgeStats stats() const;
    /// Lives as long as the bridge.
    [[nodiscard]] const Traffic& traffic() const noexcept;
    [[nodiscard]] Peers peers() const;

private:
    struct Core;
    explicit LiveBridge(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway
