#pragma once
// What RSE polling can be told. docs/rse.md explains each. Threads: a value; read() is pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::gateway::rse {

struct Settings {
    std::string topic_root;  ///< Full, such as "org.weft.dev.rse".
    std::chrono::milliseconds ttl{120'000};
    std::uint64_t max_events = 500;  ///< In one answer; a poll that does not say gets 200 of them.
    bool test_mode = false;
    bool auth_required = false;
    /// Nothing: in test mode alone, because a script tag of any page could read what needs no
    /// token.
    std::optional<bool> jsonp{};
    std::vector<std::string> cors_origins{};  ///< "*" is any.
    bool require_https = false;
    bool trust_forwarded_proto = false;  ///< A proxy in front sets X-Forwarded-Proto.
    std::string path_prefix{};           ///< "" or "/events": where the channels begin.
    /// Beside letters, digits, '/', '_' and '-': of "=:@,;!$&'()+" (see Channel).
    std::string extra_characters{};
    std::size_t body_bytes_max = std::size_t{4} << 20;
    std::size_t json_depth_max = 512;
    std::chrono::milliseconds wait_max{60'000};
    /// Of an answer, about: a page ends there, and one event is always given.
    std::size_t answer_bytes = std::size_t{8} << 20;

    /// Of topic_prefix, environment, gateway.rse, auth and limits. Adds what is wrong to
    /// `problems`.
    [[nodiscard]] static Settings read(const config::Configuration& configuration,
                                       config::Problems& problems);
    [[nodiscard]] bool jsonp_is_on() const noexcept { return jsonp.value_or(test_mode); }
};

}  // namespace weft::gateway::rse
