#pragma once
// Fields that the request and the statement share, read from foreign bytes with every limit
// checked, and the last step of both: that their array fills the bytes.
// Threads: pure functions. Errors: false where the field is not as it must be; sentences.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "signing/certificate.hpp"

namespace weft::reliability {

/// Exactly as many bytes (bin) as `field` has.
template <typename Bytes>
[[nodiscard]] bool read_bytes(fabric::MsgpackReader& reader, Bytes& field) {
    std::string_view bytes;
    if (!reader.bin(bytes) || bytes.size() != field.size()) return false;
    std::copy(bytes.begin(), bytes.end(), field.begin());
    return true;
}

[[nodiscard]] inline bool read_name(fabric::MsgpackReader& reader, std::string_view& name) {
    return reader.str(name) && signing::name_error(name).empty();
}

/// "" if the array of `positions` that `whole` begins with also ends with it; `rest` is what
/// follows the `known` ones. What a later version adds is walked over, once.
[[nodiscard]] inline std::string end_error(std::string_view what, std::string_view whole,
                                           std::string_view rest, std::uint64_t positions,
                                           std::uint64_t known) {
    if (positions > known) {
        const std::string wrong = fabric::check_msgpack(whole);
        return wrong.empty() ? "" : std::string{what} + " is not one msgpack object. " + wrong;
    }
    if (rest.empty()) return "";
    return std::string{what} + " has " + std::to_string(rest.size()) +
           " bytes after its array; the array must fill it exactly.";
}

}  // namespace weft::reliability
