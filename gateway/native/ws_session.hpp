#pragma once
// One connection of the native WebSocket: takes the client's frames, and has its subscriptions and
// what it publishes.
//
// Threads: on_message() one at a time, as the server calls it; everything else any.
// Ownership: whoever keeps it; callbacks of publishes keep it until they are answered.
// Limits: WsLimits. Errors: each bad frame gets a frame `error`; only too many that are not JSON,
// one after the other, end the connection.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/native/ws_frames.hpp"
#include "gateway/native/ws_subscription.hpp"
#include "gateway/native/ws_world.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::native {

class WsSession : public std::enable_shared_from_this<WsSession> {
public:
    WsSession(std::shared_ptr<WsWorld> world, std::shared_ptr<WebSocket> socket, Principal who,
              std::function<bool()> still)
        : world_(std::move(world)),
          socket_(std::move(socket)),
          who_(std::move(who)),
          still_(std::move(still)) {}

    void on_message(const std::string& text, bool is_text);
    /// It was closed, by whom ever.
    void on_closed();
    /// A last word, and the end.
    void stop(std::string_view why);
    /// The same, if `still` says that the client may not be here any more.
    void review();

private:
    struct Slot {
        std::uint64_t serial = 0;  ///< Tells apart what came one after the other under one name.
        std::shared_ptr<WsSubscription> subscription{};  ///< Null: its cursor is being looked up.
        std::string cursor{}, member{};
        bool is_group = false;
    };
    using Limit = std::size_t;

    void take(WsRequest request);
    void publish(const WsRequest& request);
    void subscribe(const WsRequest& request);
    void subscribe_topics(const WsRequest& request, std::uint64_t serial, std::uint64_t credit);
    void subscribe_cursor(const WsRequest& request, std::uint64_t serial, std::uint64_t credit);
    void look_up(const WsRequest& request, std::uint64_t serial, std::uint64_t credit,
                 JournalThings& things);
    void begin(const WsRequest& request, Slot slot, std::string_view more);
    void give_up(const WsRequest& request, std::uint64_t serial, unsigned status,
                 std::string sentence);
    void unsubscribe(const WsRequest& request);
    void add_credit(const WsRequest& request);
    void ack(const WsRequest& request);
    void ack_cursor(const WsRequest& request, const Slot& slot,
                    std::vector<reliability::JournalId> ids);
    void move_cursor(const WsRequest& request, const Slot& slot,
                     const std::vector<reliability::JournalId>& ids, JournalThings& things);

    /// Nothing, and the client was told: there is no such subscription.
    [[nodiscard]] std::optional<Slot> find(const WsRequest& request);
    /// One more of what is counted in `count`; false, and the client was told: too many.
    [[nodiscard]] bool one_more(std::size_t& count, Limit most, const WsRequest& request);
    void one_less(std::size_t& count);
    void refuse(const WsRequest& request, unsigned status, std::string sentence);
    void send(std::string text);
    void end(std::string_view why, std::uint16_t code);

    const std::shared_ptr<WsWorld> world_;
    const std::shared_ptr<WebSocket> socket_;
    const Principal who_;
    const std::function<bool()> still_;  // empty: always
    unsigned not_json_ = 0;              // of on_message()

    std::mutex mutex_;  // guards what follows; taken before that of a subscription
    bool closed_ = false;
    std::uint64_t last_serial_ = 0;
    std::map<std::string, Slot, std::less<>> slots_;
    std::size_t publishes_ = 0, acks_ = 0;  // under way
};

}  // namespace weft::gateway::native
