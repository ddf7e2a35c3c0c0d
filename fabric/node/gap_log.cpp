#include "fabric/node/gap_log.hpp"

#include "signing/refusal.hpp"

namespace weft::fabric {

std::optional<std::string> GapLog::line(const Gap& gap, Instant now) {
    if (last_ && now - *last_ < std::chrono::seconds{1}) {
        ++silent_gaps_;
        silent_messages_ += gap.count;
        return std::nullopt;
    }
    std::string text = "missing " + std::to_string(gap.count) + " messages of topic " +
                       signing::escape(gap.topic) + " from signer '" + signing::escape(gap.signer) +
                       "': numbers " + std::to_string(gap.from) + " to " + std::to_string(gap.to) +
                       " of epoch " + std::to_string(gap.epoch) + " have not come";
    if (silent_gaps_ > 0) {
        text += "; and " + std::to_string(silent_messages_) + " in " +
                std::to_string(silent_gaps_) + " more gaps since the last line";
    }
    last_ = now;
    silent_gaps_ = 0;
    silent_messages_ = 0;
    return text;
}

}  // namespace weft::fabric
