#pragma once
// What all connections of the native WebSocket share, and its limits.
// Threads: what it names is for any thread. Ownership: bridge, timers, clock and room outlive it.

#include <chrono>
#include <cstddef>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/native/ws_live.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::gateway::native {

struct WsLimits {
    std::size_t subscriptions = 64;  ///< Of one connection: 400.
    std::size_t publishes = 256;     ///< Not answered yet, of one connection: 503.
    std::size_t acks = 256;          ///< The same for acknowledgements of cursors.
    unsigned not_json = 3;           ///< Frames in a row, then the connection is closed: 1008.
    /// A subscription reads no more history while so many bytes wait for its client to read …
    std::size_t history_ahead = std::size_t{256} * 1024;
    /// … and goes on after so long without any of them read: until the queue of the connection is
    /// full, which ends it.
    std::chrono::milliseconds patience{30'000};
};

struct WsWorld {
    WsWorld(FabricBridge& the_bridge, Timers& the_timers, const fabric::Clock& the_clock,
            fabric::TopicSpace the_space, reliability::Recipients::Groups the_groups,
            JournalRoom* the_room, WsLimits the_limits)
        : bridge(the_bridge),
          timers(the_timers),
          clock(the_clock),
          space(std::move(the_space)),
          groups(std::move(the_groups)),
          room(the_room),
          limits(the_limits),
          live(the_bridge, the_timers) {}

    FabricBridge& bridge;
    Timers& timers;
    const fabric::Clock& clock;
    const fabric::TopicSpace space;
    const reliability::Recipients::Groups groups;
    JournalRoom* const room;  ///< Null: no cursors.
    const WsLimits limits;
    LiveReads live;
};

}  // namespace weft::gateway::native
