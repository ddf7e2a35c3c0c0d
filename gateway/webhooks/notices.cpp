#include "gateway/webhooks/notices.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::gateway::webhooks {

Notices::Notices(FabricBridge& bridge, const fabric::Clock& clock, const fabric::TopicSpace& space,
                 std::function<void(const std::string&)> warn)
    : bridge_(bridge), clock_(clock), root_(space.root() + ".webhooks."), warn_(std::move(warn)) {}

void Notices::publish(const delivery::Notice& notice) const {
    using fabric::Value;
    PublishRequest request;
    request.topic = root_ + std::string{delivery::name_of(notice.kind)};
    request.mode = PublishRequest::Mode::fire_and_forget;
    request.body = fabric::to_json(Value(Value::Map{{"subscription", notice.subscription},
                                                    {"reason", notice.sentence},
                                                    {"at", fabric::rfc3339(clock_.utc_us())}}));
    Principal gateway;
    gateway.name = "gateway";
    gateway.everything = true;  // It speaks for itself; its certificate still decides.
    const std::string what = "the notice that delivery to '" + notice.subscription + "' is " +
                             std::string{delivery::name_of(notice.kind)};
    bridge_.publish(gateway, std::move(request),
                    [warn = warn_, what](const BridgeResult<Published>& published) {
                        if (!published && warn) {
                            warn(what + " could not be published: " + published.error().sentence);
                        }
                    });
}

}  // namespace weft::gateway::webhooks
