#pragma once
// Reads and waits of a bridge, over one journal: a few workers that read, and a thread that follows
// the head and tells who waits.
//
// Threads:   every function from any thread; callbacks run in these threads, or in the caller's
//            where the answer is known at once. The destructor stops and joins.
// Ownership: journal and clock outlive it.
// Limits:    JournalDeskSettings.

#include <memory>
#include <optional>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "reliability/journal/stored_verifier.hpp"
#include "signing/trust_store.hpp"

namespace weft::gateway {

struct JournalDeskSettings {
    unsigned workers = 2;
    std::size_t waiting_reads_max = 16'384;
    std::size_t waiters_max = 20'000;
    /// A stored message was not believed. Called by a worker.
    std::function<void(const reliability::StoredRefusal&)> on_refused{};
    /// What was stored after begun_at(), a run each, by rising ids; left out is what could not be
    /// read. Called by the thread that follows the head; must not block.
    std::function<void(const reliability::StoredRun&)> on_stored{};
};

class JournalDesk {
public:
    /// `trust` null: signing.validate is off.
    JournalDesk(reliability::Journal& journal, std::shared_ptr<signing::TrustStore> trust,
                const fabric::Clock& clock, JournalDeskSettings settings = {});
    ~JournalDesk();
    JournalDesk(const JournalDesk&) = delete;
    JournalDesk& operator=(const JournalDesk&) = delete;

    void read(ReadRequest request, FabricBridge::OnPage done);
    FabricBridge::Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                              std::chrono::milliseconds timeout, FabricBridge::OnWoken done);
    void forget(FabricBridge::Ticket ticket);
    [[nodiscard]] std::optional<reliability::JournalId> nothing_after(
        reliability::JournalId after, const reliability::TopicFilter& filter) const;
    /// Answers everything `stopped`; callbacks under way may still run until the destructor is
    /// through.
    void stop();

    [[nodiscard]] std::size_t waiters() const;
    /// The head when it was made.
    [[nodiscard]] reliability::JournalId begun_at() const noexcept;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway
