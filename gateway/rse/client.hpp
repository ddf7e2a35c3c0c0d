#pragma once
// Who writes and reads, in RSE's own words: a User-Agent with a UUID in it, so that a program does
// not get back what it posted itself. It is a convenience, not an identity: tokens are.
// Threads: pure functions.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "gateway/http/message.hpp"

namespace weft::gateway::rse {

struct Client {
    std::string user_agent;  ///< Verbatim, UTF-8.
    std::string uuid;        ///< Lower case; "": none, and nothing is its own.
};

/// The 1 to 36 letters, digits and dashes after the first "uuid/", in lower case; "" if there are
/// none.
[[nodiscard]] std::string uuid_in(std::string_view text);

/// The error is a sentence. X-RSE-Client, where it is there, speaks in place of User-Agent about
/// the UUID: scripts in browsers cannot set the latter.
[[nodiscard]] tl::expected<Client, std::string> client_of(const Headers& headers, bool test_mode);

}  // namespace weft::gateway::rse
