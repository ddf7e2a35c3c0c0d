#pragma once
// A subscription of a WebSocket that is a member of a consumer group: it leases messages as far as
// its credit goes. What it has not acknowledged when it is closed, or its connection, goes to
// another member at once; that counts as an attempt.
//
// Threads: any; a lock of its own. Ownership: its connection's; callbacks hold it weakly.

#include <memory>
#include <mutex>
#include <string>

#include "gateway/native/ws_subscription.hpp"

namespace weft::gateway::native {

class WsLeaseSubscription final : public WsSubscription,
                                  public std::enable_shared_from_this<WsLeaseSubscription> {
public:
    struct Wanted {
        std::string id, cursor, member;
        std::uint64_t credit = WsCredit::credit_default;
    };
    /// `world` has a room (asserted).
    WsLeaseSubscription(std::shared_ptr<WsWorld> world, std::shared_ptr<WebSocket> socket,
                        Wanted wanted);

    void start() override { look(); }
    [[nodiscard]] bool add_credit(std::uint64_t messages) override;
    Acked ack(reliability::JournalId through) override;
    void close() override;

private:
    enum class State { idle, looking, closed };

    void look();
    void look_later(std::chrono::milliseconds after);
    void give(JournalThings& things, std::size_t max);
    void wait(reliability::JournalId head, const reliability::TopicFilter& filter);
    void fail(const reliability::JournalError& error);
    void again();
    bool send(std::string text);

    const std::shared_ptr<WsWorld> world_;
    const std::shared_ptr<WebSocket> socket_;
    const std::string about_, cursor_, member_;

    std::mutex mutex_;  // guards what follows
    State state_ = State::idle;
    WsCredit credit_;
    reliability::JournalId seen_ = 0;
    FabricBridge::Ticket waiting_ = 0;
};

}  // namespace weft::gateway::native
