#pragma once
// Who a request is from, by `Authorization: Bearer TOKEN` or as the user of `Basic`; anonymous only
// where tokens are not required. Failed attempts of one address are limited (H2).
// Threads: any number of io threads at once. Limits: 10,000 addresses are remembered.

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>

#include "fabric/transport/clock.hpp"
#include "gateway/auth/authenticator.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway {

class Access {
public:
    static constexpr unsigned failures_max = 30;  ///< Of one address in a minute.
    static constexpr std::size_t addresses_max = 10'000;

    /// `tokens` and `clock` outlive it. Not `required`: who shows no token may do everything.
    Access(Authenticator& tokens, bool required, const fabric::Clock& clock)
        : tokens_(tokens), required_(required), clock_(clock) {}

    /// Or the answer to give instead: 401, 429.
    [[nodiscard]] tl::expected<Principal, Response> who(const Request& request);
    /// The same for a token that a protocol carries elsewhere; nothing: none was shown.
    [[nodiscard]] tl::expected<Principal, Response> who(std::optional<std::string_view> token,
                                                        const Request& request);
    /// Asks later whether what let `who` in by this request still holds: false once their token is
    /// gone, or has other grants. Empty for the anonymous. It keeps the token in memory, and this
    /// outlives it.
    [[nodiscard]] std::function<bool()> still(const Request& request, const Principal& who);
    /// The same for a token that a protocol carries elsewhere.
    [[nodiscard]] std::function<bool()> still(std::optional<std::string> token,
                                              const Principal& who);

private:
    struct Failures {
        unsigned count = 0;
        fabric::Instant since{};
    };
    [[nodiscard]] bool too_many(const std::string& address);
    void failed(const std::string& address);

    Authenticator& tokens_;
    const bool required_;
    const fabric::Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<std::string, Failures> failures_;
};

}  // namespace weft::gateway
