#pragma once
// What operators are told about a subscription; others put it on the fabric. Threads: values.

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::gateway::delivery {

struct Notice {
    enum class Kind : std::uint8_t {
        failing,        ///< Five attempts in a row have failed.
        disabled_soon,  ///< Half of RetryPolicy::disable_after has passed without a success.
        disabled,
        lagging,    ///< What waits longest has been stored for more than five minutes.
        recovered,  ///< It succeeded after `failing`, or has caught up after `lagging`.
    };
    std::string subscription;
    Kind kind;
    std::string sentence;
};
[[nodiscard]] std::string_view name_of(Notice::Kind kind) noexcept;

}  // namespace weft::gateway::delivery
