#pragma once
// What operators must know about deliveries, on the fabric: `<prefix>.<env>.webhooks.failing`,
// `.disabled_soon` (before an endpoint is disabled), `.disabled`, `.lagging`, `.recovered`, each
// with {"subscription", "reason", "at"}. So alarms reach whoever listens, by tail, hub or webhook.
// Threads: any; does not block. Ownership: the bridge outlives it. Errors: what cannot be published
// is said by `warn`; nothing waits for it.

#include <functional>
#include <string>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/notice.hpp"

namespace weft::gateway::webhooks {

class Notices {
public:
    Notices(FabricBridge& bridge, const fabric::Clock& clock, const fabric::TopicSpace& space,
            std::function<void(const std::string&)> warn);
    void publish(const delivery::Notice& notice) const;

private:
    FabricBridge& bridge_;
    const fabric::Clock& clock_;
    const std::string root_;
    const std::function<void(const std::string&)> warn_;
};

}  // namespace weft::gateway::webhooks
