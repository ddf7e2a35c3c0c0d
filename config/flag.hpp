#pragma once
// Yes or no as people write it: true, false, on, off, yes, no; in any case of letters.
// Threads: pure function.
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

[[nodiscard]] tl::expected<bool, std::string> parse_flag(std::string_view text);

}  // namespace weft::config
