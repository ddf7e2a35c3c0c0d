// A msgpack body: our scan and msgpack-c's parser end at the same byte, and what is read means the
// same after it was packed again, and as JSON.

#include <algorithm>
#include <cassert>
#include <msgpack.hpp>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/msgpack_scan.hpp"
#include "fabric/message/value.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

/// What msgpack-c itself says of the bytes, without any limit of ours but its deepest place.
class Depth : public msgpack::null_visitor {
public:
    bool start_array(std::uint32_t) { return down(); }
    bool start_map(std::uint32_t) { return down(); }
    bool end_array() { return up(); }
    bool end_map() { return up(); }
    std::size_t deepest = 0;

private:
    bool down() {
        deepest = std::max(deepest, ++depth_);
        return true;
    }
    bool up() {
        --depth_;
        return true;
    }
    std::size_t depth_ = 0;
};

void check_json(const fabric::Value& value) {
    const std::string json = to_json(value);
    const auto compact = fabric::compact_json(json, 64);
    assert(compact && *compact == json);
    // A binary part at the deepest place becomes an object, one level below what from_json() reads.
    const auto read = fabric::from_json(json);
    assert(read.has_value() == fabric::compact_json(json).has_value());
    if (read) assert(to_json(*read) == json);
}

}  // namespace

void msgpack(std::string_view input) {
    const auto size = fabric::scan_msgpack(input);
    Depth oracle;
    std::size_t end = 0;
    const bool parsed = !input.empty() && ::msgpack::parse(input.data(), input.size(), end, oracle);
    if (size) {
        assert(parsed && end == *size && oracle.deepest <= fabric::msgpack_depth_max);
    } else {
        assert(!parsed || oracle.deepest > fabric::msgpack_depth_max);
    }

    const auto value = fabric::from_msgpack(input);
    assert((size && *size == input.size()) == fabric::check_msgpack(input).empty());
    // A value may be refused for its keys, too.
    if (value) assert(fabric::check_msgpack(input).empty());
    if (!value) return;
    const auto packed = to_msgpack(*value);
    assert(packed);
    const auto again = fabric::from_msgpack(*packed);
    // NaN is not equal to itself, but its bytes are.
    assert(again && to_msgpack(*again) == packed && to_json(*again) == to_json(*value));
    check_json(*value);
}

}  // namespace weft::fuzz
