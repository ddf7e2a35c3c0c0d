#pragma once
// Finds the end of one msgpack object in foreign bytes, within the limits of codec.hpp (D1): no
// recursion, at most msgpack_depth_max containers in one another, and every declared length and
// count must fit into the bytes that are there. Nothing is allocated by a declared length.
// Threads: pure functions.

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace weft::fabric {

/// The size of the object that `bytes` starts with; more bytes may follow it. The error is a
/// sentence.
[[nodiscard]] tl::expected<std::size_t, std::string> scan_msgpack(std::string_view bytes);

}  // namespace weft::fabric
