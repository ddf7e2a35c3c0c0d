#include "gateway/esub/cluster/fabric_elsewhere.hpp"

#include <mutex>
#include <utility>

#include "gateway/esub/cluster/local_keys.hpp"
#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {

struct FabricElsewhere::Core final : Waiters {
    explicit Core(Parts parts)
        : fabric(parts.fabric),
          bridge(parts.bridge),
          settings(std::move(parts.settings)),
          topics(fabric.settings().space, settings.topic_root),
          local(settings.clustered()) {}

    // Waiters

    /// Who would get it, if the token is right.
    [[nodiscard]] std::optional<LocalKeys::Held> held(const Reply& reply) {
        const std::scoped_lock lock(mutex);
        std::optional<LocalKeys::Held> held;
        if (!reply.psub_only) held = local.find(Kind::sub, reply.key);
        return held ? held : local.find(Kind::psub, reply.key);
    }

    void deliver(const Reply& reply, std::string body, OnVerdict done) override {
        std::string token = reply.token;
        if (reply.hash) {
            auto waiter = held(reply);
            if (!waiter) return done(Verdict::unknown_key);
            if (!same_hash(token_hash(reply.key, waiter->token), *reply.hash)) {
                return done(Verdict::wrong_token);
            }
            token = std::move(waiter->token);
        }
        // If the waiter changed meanwhile, the token is not that of the new one, or is.
        house->deliver({reply.key, token, reply.psub_only, true}, std::move(body),
                       std::move(done));
    }

    [[nodiscard]] Verdict release(Kind, const Reply&) override { return Verdict::unknown_key; }

    fabric::Fabric& fabric;
    FabricBridge& bridge;
    const ClusterSettings settings;
    const KeyTopics topics;
    House* house = nullptr;

    std::mutex mutex;  // guards what follows
    LocalKeys local;

    std::unique_ptr<OwnerDesk> desk;
};

FabricElsewhere::FabricElsewhere(Parts parts) : core_(std::make_unique<Core>(std::move(parts))) {}

FabricElsewhere::~FabricElsewhere() {
    stop();
}

void FabricElsewhere::serve(House& house) {
    core_->house = &house;
    core_->desk = std::make_unique<OwnerDesk>(core_->fabric, core_->topics, *core_);
}

void FabricElsewhere::stop() {
    if (core_->desk) core_->desk->stop();
}

bool FabricElsewhere::may_have(const Rep&) {
    return false;
}

void FabricElsewhere::rep(const Rep&, SharedBytes, OnVerdict done) {
    done(Verdict::unknown_key);
}

void FabricElsewhere::opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                             std::uint64_t id) {
    const std::uint64_t now_us = core_->fabric.clock().utc_us();
    const std::scoped_lock lock(core_->mutex);
    core_->local.opened(kind, key, token, shared, id, now_us);
}

void FabricElsewhere::closed(Kind kind, std::string_view key, std::uint64_t id) {
    const std::scoped_lock lock(core_->mutex);
    core_->local.closed(kind, key, id);
}

}  // namespace weft::gateway::esub
