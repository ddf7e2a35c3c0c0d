#pragma once
// One subscription of a WebSocket: history and what comes live as one sequence, never more than
// the credit.
//
// Threads: any; each subscription has a lock of its own. Ownership: its connection's; callbacks
// hold it weakly, and after close() it sends nothing. Promises: ids rise, without a gap or a
// duplicate; what trimming took is said in its place.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gateway/native/start_of.hpp"
#include "gateway/native/ws_credit.hpp"
#include "gateway/native/ws_world.hpp"

namespace weft::gateway::native {

/// What a connection knows of its subscriptions.
class WsSubscription {
public:
    virtual ~WsSubscription() = default;
    virtual void start() = 0;
    /// False, and nothing changes: it would be more than WsCredit::credit_max.
    [[nodiscard]] virtual bool add_credit(std::uint64_t messages) = 0;
    struct Acked {
        std::vector<reliability::JournalId> ids;  ///< Of messages sent and not acknowledged before.
        reliability::JournalId seen = 0;          ///< Nothing beyond it can have been sent yet.
    };
    /// Gives back the credit of what it covers, unless `through` is beyond `seen`.
    virtual Acked ack(reliability::JournalId through) = 0;
    /// Nothing is sent after it returns.
    virtual void close() = 0;
};

/// Reads the journal from a place on: plain subscriptions and plain cursors.
class WsJournalSubscription final : public WsSubscription,
                                    public LiveReads::Member,
                                    public std::enable_shared_from_this<WsJournalSubscription> {
public:
    struct Wanted {
        std::string id;
        LiveTopics topics;
        reliability::Position after{};  ///< With the journal's epoch.
        std::uint64_t last = 0;         ///< The newest N, then on.
        std::uint64_t stored_since_us = 0;
        std::uint64_t credit = WsCredit::credit_default;
    };
    WsJournalSubscription(std::shared_ptr<WsWorld> world, std::shared_ptr<WebSocket> socket,
                          Wanted wanted);

    void start() override { go_on(); }
    [[nodiscard]] bool add_credit(std::uint64_t messages) override;
    Acked ack(reliability::JournalId through) override;
    void close() override;
    bool on_live(LiveReads::Ticket ticket, const LivePage& page) override;

private:
    enum class State { idle, reading, live, closed };
    enum class Sent { all, some, closed };

    void go_on();
    [[nodiscard]] ReadRequest next_read() const;
    [[nodiscard]] bool must_pause();
    [[nodiscard]] bool fits(std::size_t unread, std::size_t bytes) const;
    void later(std::chrono::milliseconds after);
    void on_page(BridgeResult<EventPage> page);
    void begin_at_last(const EventPage& page);
    [[nodiscard]] Sent send(const LivePage& page);
    [[nodiscard]] bool send(std::string text);

    const std::shared_ptr<WsWorld> world_;
    const std::shared_ptr<WebSocket> socket_;
    const LiveTopics topics_;
    const std::string about_;  ///< `"id":"s1"`

    std::mutex mutex_;  // guards what follows; taken before that of LiveReads
    State state_ = State::idle;
    reliability::Position position_;  ///< All up to here was sent, or is not wanted.
    std::uint64_t last_, stored_since_us_;
    WsCredit credit_;
    LiveReads::Ticket ticket_ = 0;
    std::size_t needed_ = 0;  ///< Bytes of the message that had no room.
    std::size_t unread_ = 0;  ///< By the client, when we last looked.
    std::optional<fabric::Instant> unread_since_{};
    std::chrono::milliseconds pause_{1};
    bool no_more_patience_ = false;
};

}  // namespace weft::gateway::native
