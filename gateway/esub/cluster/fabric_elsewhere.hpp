#pragma once
// What is beyond this gateway, over the fabric: a message on a key's topic reaches whoever waits
// for the key here (owner_desk.hpp); keys of other gateways are known (membership.hpp), and replies
// for them are sent there (forwarder.hpp); what nobody got is kept (unclaimed_store.hpp).
//
// Threads:   every function from any thread, none blocks; serve() and stop() by the owner.
// Ownership: fabric and bridge outlive it; it outlives the bridge's callbacks, so stop the bridge
//            before it is destroyed. The house that it serves outlives it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fabric/fabric.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/esub/cluster/forwarder.hpp"
#include "gateway/esub/cluster/membership.hpp"
#include "gateway/esub/cluster/owner_desk.hpp"
#include "gateway/esub/cluster/settings.hpp"
#include "gateway/esub/cluster/unclaimed_store.hpp"
#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/esub_handler.hpp"
#include "gateway/metrics/exposition.hpp"

namespace weft::gateway::esub {

class FabricElsewhere final : public Elsewhere, private Waiters {
public:
    /// `confirms`: psubs confirm what they get, so that it takes longer.
    FabricElsewhere(fabric::Fabric& fabric, FabricBridge& bridge, const ClusterSettings& settings,
                    bool confirms);
    ~FabricElsewhere() override;

    /// From now on the fabric reaches the waiters of `house`. Throws fabric::OpenFailed.
    void serve(House& house);
    void stop();

    [[nodiscard]] const ClusterSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] Membership& membership() noexcept { return membership_; }
    [[nodiscard]] Forwarder& forwarder() noexcept { return forwarder_; }
    [[nodiscard]] const std::shared_ptr<UnclaimedStore>& store() const noexcept { return store_; }
    void add_figures(Figures& figures) const;

    // Elsewhere
    [[nodiscard]] bool may_have(const Rep& rep) override;
    [[nodiscard]] bool takes_turn(const Rep& rep) override;
    void rep(const Rep& rep, SharedBytes body, OnVerdict done) override;
    [[nodiscard]] bool keeps() const override { return settings_.keeps(); }
    void keep(const Rep& rep, SharedBytes body, Verdict verdict, OnVerdict done) override;
    void opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                std::uint64_t id) override;
    void closed(Kind kind, std::string_view key, std::uint64_t id) override;

private:
    // Waiters
    void deliver(const Reply& reply, std::string body, OnVerdict done) override;
    [[nodiscard]] Verdict release(Kind kind, const Reply& reply) override;

    fabric::Fabric& fabric_;
    const ClusterSettings settings_;
    const KeyTopics topics_;
    std::atomic<House*> house_{nullptr};
    Membership membership_;
    Forwarder forwarder_;
    const std::shared_ptr<UnclaimedStore> store_;
    std::unique_ptr<OwnerDesk> desk_;
};

}  // namespace weft::gateway::esub
