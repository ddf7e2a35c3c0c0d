#include "fabric/node/hang_up_log.hpp"

#include "signing/refusal.hpp"

namespace weft::fabric {

std::optional<std::string> HangUpLog::line(std::string_view peer, Instant now) {
    if (last_ && now - *last_ < std::chrono::seconds{1}) {
        ++silent_;
        return std::nullopt;
    }
    std::string text = "hung up on " + signing::escape(peer) +
                       ": too many proofs from it failed within a second; it is connected again "
                       "soon, and heard if it stops";
    if (silent_ > 0) text += "; and " + std::to_string(silent_) + " more since the last line";
    last_ = now;
    silent_ = 0;
    return text;
}

}  // namespace weft::fabric
