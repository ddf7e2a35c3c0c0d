#pragma once
// What is beyond this gateway, over the fabric: a message on a key's topic reaches whoever waits for
// the key here (owner_desk.hpp).
//
// Threads:   every function from any thread, none blocks; serve() and stop() by the owner.
// Ownership: fabric and bridge outlive it; it outlives the bridge's callbacks, so stop the bridge
//            before it is destroyed. The house that it serves outlives stop().

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/fabric.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/esub/cluster/owner_desk.hpp"
#include "gateway/esub/cluster/settings.hpp"
#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/esub_handler.hpp"

namespace weft::gateway::esub {

class FabricElsewhere final : public Elsewhere {
public:
    struct Parts {
        fabric::Fabric& fabric;
        FabricBridge& bridge;
        ClusterSettings settings;
    };
    explicit FabricElsewhere(Parts parts);
    ~FabricElsewhere() override;

    /// From now on the fabric reaches the waiters of `house`. Throws fabric::OpenFailed.
    void serve(House& house);
    void stop();

    // Elsewhere
    [[nodiscard]] bool may_have(const Rep& rep) override;
    void rep(const Rep& rep, SharedBytes body, OnVerdict done) override;
    void opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                std::uint64_t id) override;
    void closed(Kind kind, std::string_view key, std::uint64_t id) override;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway::esub
