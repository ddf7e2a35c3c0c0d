#include "fabric/message/msgpack_scan.hpp"

#include <cstdint>
#include <exception>
#include <msgpack.hpp>
#include <optional>

#include "fabric/message/codec.hpp"

namespace weft::fabric {
namespace {

constexpr std::string_view cut_off =
    "The msgpack ends before its object does: a length or count is larger than what follows it.";

/// Watches what msgpack-c's parser walks over. The parser keeps its own stack of open containers,
/// so stopping it at the depth limit also bounds its memory.
class LimitVisitor : public msgpack::null_visitor {
public:
    explicit LimitVisitor(std::size_t bytes) : bytes_(bytes) {}

    // Each element takes at least one byte, so a larger count cannot be honest. The parser itself
    // would also run out of bytes; this only ends it sooner.
    bool start_array(std::uint32_t count) { return open(count, 1); }
    bool start_map(std::uint32_t count) { return open(count, 2); }
    bool end_array() { return close(); }
    bool end_map() { return close(); }

    void parse_error(std::size_t, std::size_t offset) { unknown_type_at_ = offset; }

    [[nodiscard]] std::string error() const {
        if (unknown_type_at_) {
            return "The msgpack has the byte 0xc1, which is no type, at offset " +
                   std::to_string(*unknown_type_at_) + ".";
        }
        if (depth_ <= msgpack_depth_max) return std::string{cut_off};
        return "The msgpack has more than " + std::to_string(msgpack_depth_max) +
               " arrays and maps in one another; flatten it.";
    }

private:
    bool open(std::uint32_t count, std::size_t bytes_each) {
        ++depth_;
        return depth_ <= msgpack_depth_max && count <= bytes_ / bytes_each;
    }
    bool close() {
        --depth_;
        return true;
    }

    std::size_t bytes_;
    std::size_t depth_ = 0;
    std::optional<std::size_t> unknown_type_at_;
};

}  // namespace

tl::expected<std::size_t, std::string> scan_msgpack(std::string_view bytes) {
    if (bytes.empty()) return tl::make_unexpected(std::string{cut_off});
    LimitVisitor visitor{bytes.size()};
    std::size_t offset = 0;
    try {
        if (msgpack::parse(bytes.data(), bytes.size(), offset, visitor)) return offset;
    } catch (const std::exception& error) {
        return tl::make_unexpected(std::string{"The msgpack cannot be read: "} + error.what());
    }
    return tl::make_unexpected(visitor.error());
}

}  // namespace weft::fabric
