#include "reliability/repair/loss_log.hpp"

#include <limits>
#include <string_view>

#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

std::string_view sentence_for(LossReason reason) {
    switch (reason) {
        case LossReason::waited:
            return "they did not come within reliability.repair.wait, and not every journal has "
                   "answered";
        case LossReason::not_stored:
            return "no journal has them";
        case LossReason::held_full:
            return "more messages than reliability.repair.held_max waited behind holes";
        case LossReason::no_room:
            return "too many holes are open";
        case LossReason::stopped:
            return "we stop";
    }
    return "";
}

}  // namespace

std::optional<std::string> LossLog::line(const Lost& lost, fabric::Instant now) {
    if (last_ && now - *last_ < std::chrono::seconds{1}) {
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        ++silent_holes_;
        silent_messages_ =
            silent_messages_ > most - lost.count ? most : silent_messages_ + lost.count;
        return std::nullopt;
    }
    std::string text =
        "lost " + std::to_string(lost.count) + " messages of topic " + signing::escape(lost.topic) +
        " from signer '" + signing::escape(lost.signer) + "': numbers " +
        std::to_string(lost.from) + " to " + std::to_string(lost.to) + " of epoch " +
        std::to_string(lost.epoch) + " are given up: " + std::string{sentence_for(lost.reason)};
    if (silent_holes_ > 0) {
        text += "; and " + std::to_string(silent_messages_) + " more in " +
                std::to_string(silent_holes_) + " holes since the last line";
    }
    last_ = now;
    silent_holes_ = silent_messages_ = 0;
    return text;
}

}  // namespace weft::reliability
