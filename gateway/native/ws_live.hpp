#pragma once
// What is stored from now on, read once for all subscriptions that want the same topics with the
// same rights, and written as JSON once. Who is behind reads the journal by itself until it is at
// the head; who has no credit leaves, and comes back that way.
//
// Promises: a member gets, in order and without a gap, everything after the position that it joined
//           at; some of what lies before may come as well, so members look at the ids.
// Threads:  any; nothing blocks. Members are called outside of every lock, one page at a time.
// Ownership: bridge and timers outlive it; members are held weakly. Limits: one waiter of the
// bridge for each group that somebody is in; the caller bounds subscriptions.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway::native {

struct LivePage {
    struct Event {
        reliability::JournalId id = 0;
        std::string json;  ///< The one JSON form.
    };
    std::optional<reliability::JournalGap> gap{};  ///< In front of the events.
    std::vector<Event> events{};
    reliability::Position next{};
};
[[nodiscard]] LivePage live_page(const EventPage& page);

/// What a subscription is about; equal keys have equal topics and rights.
struct LiveTopics {
    std::string key;
    reliability::TopicFilter filter;
    std::function<bool(const StoredEvent&)> keep{};  ///< Empty: all.
};

class LiveReads {
public:
    using Ticket = std::uint64_t;  ///< 0 is none.
    class Member {
    public:
        virtual ~Member() = default;
        /// False: it is no member by this ticket any more.
        virtual bool on_live(Ticket ticket, const LivePage& page) = 0;
    };

    LiveReads(FabricBridge& bridge, Timers& timers);
    ~LiveReads();

    /// 0: the others are further than `at`; read on and ask again. Calls nobody back.
    [[nodiscard]] Ticket join(const LiveTopics& topics, reliability::Position at,
                              std::weak_ptr<Member> member);
    void leave(Ticket ticket);
    void stop();
    [[nodiscard]] std::size_t groups() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace weft::gateway::native
