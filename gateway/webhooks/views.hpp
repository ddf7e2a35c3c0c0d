#pragma once
// Webhooks and attempts as people and programs see them, in JSON. No secret and no value of a
// header stands in any of them but in secrets_of(), which the owner asks for by name. Threads: pure
// functions.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "gateway/delivery/engine.hpp"
#include "gateway/webhooks/details.hpp"

namespace weft::gateway::webhooks {

using View = nlohmann::ordered_json;

[[nodiscard]] View view_of(const delivery::SubscriptionStatus& status, std::uint64_t now_us);
[[nodiscard]] View view_of(const delivery::Attempt& attempt);
/// {secret, public_key, previous: [{secret, public_key, until}]}, what signs now, newest first.
[[nodiscard]] View secrets_of(const Details& details, std::uint64_t now_us);
/// Valid JSON whatever stands in it.
[[nodiscard]] std::string text_of(const View& view);

[[nodiscard]] std::string_view name_of(delivery::Subscription::State state) noexcept;

}  // namespace weft::gateway::webhooks
