#pragma once
// With whom the gateway is connected on the fabric, as far as the fabric knows. What libzmq keeps
// for one slow peer is not known to anybody; holes in its sequence are. Threads: values.

#include <string>
#include <vector>

#include "fabric/node/publisher.hpp"
#include "gateway/bridge/traffic_table.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/recorder.hpp"

namespace weft::gateway {

struct Peers {
    struct JournalPeer {
        std::string name;
        std::string endpoint;  ///< Where it answers; "": that is not known.
        bool own = false;
    };

    std::string name;                           ///< On our own certificate.
    std::string relay_inbound, relay_outbound;  ///< "": there is no relay, publishers bind.
    bool linked = false;
    std::string why_not_linked;
    fabric::PublisherStats publisher;
    reliability::RecorderStats recorder;
    reliability::JournalServiceStats service;
    TrafficTable::Snapshot publishers;  ///< Whose messages were believed.
    std::vector<JournalPeer> journals;
};

}  // namespace weft::gateway
