#pragma once
// POST /v1/cursors/{name}/next: reads or leases what comes next, or waits until something does.
// Threads: any; the journal is asked by workers. Ownership: the parts outlive it; requests that
// wait keep it.

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/uri.hpp"
#include "gateway/native/journal_answers.hpp"
#include "reliability/cursor/cursor.hpp"

namespace weft::gateway::native {

class CursorNext : public std::enable_shared_from_this<CursorNext> {
public:
    CursorNext(JournalRoom& room, FabricBridge& bridge, const fabric::Clock& clock)
        : room_(room), bridge_(bridge), clock_(clock) {}

    /// max, wait, lease and member are parameters of the query.
    void next(const SharedExchange& exchange, const std::string& name, const Query& query,
              const Principal& who);
    /// Who waits is answered by what there is, nothing, and nobody waits any more.
    void stop();

private:
    struct Next {
        std::string name, member;
        std::size_t max = 1;
        std::optional<std::chrono::milliseconds> lease{};
        fabric::Instant deadline{};
        Principal who;
    };
    void look(const SharedExchange& exchange, const Next& next);
    /// False: there is nothing, and time is left.
    [[nodiscard]] bool give_leased(const SharedExchange& exchange, const Next& next,
                                   JournalThings& things);
    [[nodiscard]] bool give_page(const SharedExchange& exchange, const Next& next,
                                 JournalThings& things);
    /// For what is stored, and now and then for what others let go.
    void wait(const SharedExchange& exchange, const Next& next, const reliability::Cursor& cursor,
              reliability::JournalId head);

    struct Waiting {
        SharedExchange exchange;
        FabricBridge::Ticket ticket = 0;
    };
    /// True for one alone of those who would answer it.
    [[nodiscard]] bool take(const std::shared_ptr<Waiting>& one);

    JournalRoom& room_;
    FabricBridge& bridge_;
    const fabric::Clock& clock_;
    std::mutex mutex_;  // guards what follows
    bool stopped_ = false;
    std::set<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace weft::gateway::native
