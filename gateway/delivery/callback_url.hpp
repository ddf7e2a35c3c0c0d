#pragma once
// The parts of a callback's URL as libcurl understands them, so that what is checked is what is
// connected to. Threads: pure. Errors: sentences.

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace weft::gateway::delivery {

struct CallbackUrl {
    static constexpr std::size_t bytes_max = 2048;

    bool https = false;
    std::string host;  ///< As libcurl has it: without brackets, odd spellings of IPv4 undone.
    /// The error says what would be right: absolute, http or https, no user part, no fragment, no
    /// control characters or spaces.
    [[nodiscard]] static tl::expected<CallbackUrl, std::string> parse(std::string_view text);
};

}  // namespace weft::gateway::delivery
