#include "gateway/webhooks/owners.hpp"

#include "gateway/grants.hpp"
#include "gateway/webhooks/details.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Subscription;

/// "": it may go on.
std::string objection(const Subscription& webhook, const std::optional<Principal>& owner) {
    const std::string name = "its owner's token '" + signing::escape(webhook.owner) + "'";
    if (!owner) return name + " was revoked; resume it once there is one of that name again";
    if (owner->admin || owner->everything) return {};
    for (const delivery::Interest& interest : webhook.interests) {
        // What is not wanted any more was read while it might be.
        if (interest.through != UINT64_MAX || covers(owner->read, interest.glob)) continue;
        return name + " may not read all of '" + signing::escape(interest.glob.text()) +
               "' any more; resume it once it may";
    }
    return {};
}

}  // namespace

void Owners::look() {
    for (const Subscription& webhook : engine_.subscriptions(kind)) {
        if (webhook.state != Subscription::State::active || webhook.owner.empty()) continue;
        std::string why = objection(webhook, holder_(webhook.owner));
        if (why.empty()) continue;
        engine_.set_state(webhook.id, Subscription::State::paused, std::move(why),
                          [](const delivery::EngineResult<void>&) {});
    }
}

}  // namespace weft::gateway::webhooks
