#include "fabric/node/refusal_log.hpp"

namespace weft::fabric {

std::optional<std::string> RefusalLog::line(const signing::Refused& refused, std::string_view peer,
                                            std::string_view topic, Instant now) {
    Reason& reason = reasons_[static_cast<std::size_t>(refused.reason)];
    if (reason.last && now - *reason.last < std::chrono::seconds{1}) {
        ++reason.silent;
        return std::nullopt;
    }
    std::string text = "refused " + std::string{signing::name_of(refused.reason)};
    if (!topic.empty()) text += " topic " + signing::escape(topic);
    if (!peer.empty()) text += " from " + signing::escape(peer);
    text += ": " + std::string{signing::sentence_for(refused.reason)};
    if (!refused.detail.empty()) text += " (" + refused.detail + ")";
    if (reason.silent > 0)
        text += "; and " + std::to_string(reason.silent) + " more since the last";
    reason.last = now;
    reason.silent = 0;
    return text;
}

}  // namespace weft::fabric
