#pragma once
// Errors of the bridge as answers (gateway/http/problem.hpp). Threads: pure functions.

#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/problem.hpp"

namespace weft::gateway {

/// With the request's id as `instance`, for who has to find it in a log.
[[nodiscard]] Response problem(unsigned status, std::string_view detail, const Request& request);

/// The status of an error of the bridge; what may be tried again says when.
[[nodiscard]] unsigned status_of(BridgeError::Kind kind) noexcept;
[[nodiscard]] Response problem(const BridgeError& error, const Request& request);

/// The same for a client of another protocol: nothing of what is inside but to who may mend it.
struct PublicError {
    unsigned status = 503;
    std::string sentence;
    const char* retry_after = nullptr;  ///< Seconds, for the header.
};
/// `place` is what the protocol calls a topic.
[[nodiscard]] PublicError public_error(const BridgeError& error, std::string_view place);

}  // namespace weft::gateway
