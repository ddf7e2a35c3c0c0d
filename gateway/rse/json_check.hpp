#pragma once
// Whether bytes are JSON (RFC 8259), exactly and without making anything of them: what RSE clients
// post is handed on as it was written. No recursion; memory is one bit of state a level.
// Threads: pure function.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace weft::gateway::rse {

enum class JsonRoot : std::uint8_t { object, array, scalar };

/// Or a sentence: what is wrong at which byte. Repeated keys, numbers of any length and halves of
/// surrogate pairs as escapes are JSON; a byte order mark, bytes that are not UTF-8 and raw control
/// characters in strings are not.
[[nodiscard]] tl::expected<JsonRoot, std::string> check_json(std::string_view text,
                                                             std::size_t depth_max);

/// What stands between the commas of a list, without the space around it. `list` has passed
/// check_json() as one.
[[nodiscard]] std::vector<std::string_view> list_items(std::string_view list);

}  // namespace weft::gateway::rse
