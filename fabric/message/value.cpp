#include "fabric/message/value.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <msgpack.hpp>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"

namespace weft::fabric {
namespace {

/// What msgpack's packer writes to.
struct Appender {
    std::string bytes;
    void write(const char* data, std::size_t size) { bytes.append(data, size); }
};

class Packer {
public:
    /// False at the first part that has no msgpack form; error() then says which.
    bool pack(const Value& value, std::size_t depth) {
        if (const Value::List* list = value.list()) return pack_list(*list, depth + 1);
        if (const Value::Map* map = value.map()) return pack_map(*map, depth + 1);
        if (const std::string* text = value.text()) {
            if (!fits(text->size())) return false;
            packer_.pack_str(static_cast<std::uint32_t>(text->size()));
            packer_.pack_str_body(text->data(), static_cast<std::uint32_t>(text->size()));
        } else if (const Binary* binary = value.binary()) {
            if (!fits(binary->bytes.size())) return false;
            const auto size = static_cast<std::uint32_t>(binary->bytes.size());
            packer_.pack_bin(size);
            packer_.pack_bin_body(binary->bytes.data(), size);
        } else if (const bool* flag = value.flag()) {
            *flag ? packer_.pack_true() : packer_.pack_false();
        } else if (const std::int64_t* number = value.signed_number()) {
            packer_.pack_int64(*number);
        } else if (const std::uint64_t* large = value.unsigned_number()) {
            packer_.pack_uint64(*large);
        } else if (const double* real = value.real()) {
            pack_real(*real);
        } else {
            packer_.pack_nil();
        }
        return true;
    }

    [[nodiscard]] std::string take() { return std::move(out_.bytes); }
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    bool pack_list(const Value::List& list, std::size_t depth) {
        if (!shallow(depth) || !fits(list.size())) return false;
        packer_.pack_array(static_cast<std::uint32_t>(list.size()));
        for (const Value& element : list) {
            if (!pack(element, depth)) return false;
        }
        return true;
    }
    bool pack_map(const Value::Map& map, std::size_t depth) {
        if (!shallow(depth) || !fits(map.size())) return false;
        packer_.pack_map(static_cast<std::uint32_t>(map.size()));
        for (const auto& [key, element] : map) {
            if (!pack(Value{key}, depth) || !pack(element, depth)) return false;
        }
        return true;
    }
    /// By hand: msgpack-c packs 1.0 as the integer 1 and -0.0 as 0, and so would change the type.
    void pack_real(double number) {
        const auto bits = std::bit_cast<std::uint64_t>(number);
        out_.bytes += '\xCB';
        for (int shift = 56; shift >= 0; shift -= 8) {
            out_.bytes += static_cast<char>(static_cast<std::uint8_t>(bits >> shift));
        }
    }
    bool shallow(std::size_t depth) {
        if (depth <= msgpack_depth_max) return true;
        error_ = "The value has more than " + std::to_string(msgpack_depth_max) +
                 " lists and maps in one another; flatten it.";
        return false;
    }
    bool fits(std::size_t size) {
        if (size <= std::numeric_limits<std::uint32_t>::max()) return true;
        error_ = "A part of the value has " + std::to_string(size) +
                 " bytes or entries; msgpack has at most 4294967295.";
        return false;
    }

    Appender out_;
    msgpack::packer<Appender> packer_{out_};
    std::string error_;
};

/// Makes a value of what msgpack-c's parser walks over. Used only after check_msgpack(), so depth
/// is bounded and only a key can be wrong. No room is made by a declared count.
class Builder : public msgpack::null_visitor {
public:
    bool visit_nil() { return put(Value{}); }
    bool visit_boolean(bool flag) { return put(Value{flag}); }
    bool visit_positive_integer(std::uint64_t number) { return put(Value{number}); }
    bool visit_negative_integer(std::int64_t number) { return put(Value{number}); }
    bool visit_float32(float number) { return put(Value{static_cast<double>(number)}); }
    bool visit_float64(double number) { return put(Value{number}); }
    bool visit_str(const char* text, std::uint32_t size) { return put(Value{copy(text, size)}); }
    bool visit_bin(const char* data, std::uint32_t size) {
        return put(Value{Binary{copy(data, size)}});
    }
    /// The type number comes first, and is kept: without it the bytes would mean nothing.
    bool visit_ext(const char* data, std::uint32_t size) {
        return put(Value{Binary{copy(data, size)}});
    }
    bool start_array(std::uint32_t) {
        open_.push_back({.is_map = false});
        return true;
    }
    bool end_array() {
        Value list{std::move(open_.back().list)};
        open_.pop_back();
        return put(std::move(list));
    }
    bool start_map(std::uint32_t) {
        open_.push_back({.is_map = true});
        return true;
    }
    bool start_map_key() {
        open_.back().at_key = true;
        return true;
    }
    bool end_map() {
        Value map{std::move(open_.back().map)};
        open_.pop_back();
        return put(std::move(map));
    }

    [[nodiscard]] Value take() { return std::move(root_); }

private:
    struct Container {
        bool is_map = false;
        bool at_key = false;
        std::string key{};
        Value::List list{};
        Value::Map map{};
    };

    // An empty text comes with any pointer, also a null one.
    static std::string copy(const char* data, std::uint32_t size) {
        return size == 0 ? std::string{} : std::string{data, size};
    }

    bool put(Value&& value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return true;
        }
        Container& top = open_.back();
        if (!top.is_map) {
            top.list.push_back(std::move(value));
        } else if (top.at_key) {
            if (!key_is_allowed(value)) return false;
            top.at_key = false;
            top.key = value.text() != nullptr ? *value.text() : to_json(value);
        } else {
            top.map.emplace_back(std::move(top.key), std::move(value));
        }
        return true;
    }

    /// A list or map that is a key becomes text, in which quotes and backslashes are escaped. One
    /// more key around it would escape these again, and 30 of them make gigabytes of some bytes.
    [[nodiscard]] bool key_is_allowed(const Value& key) const {
        if (key.list() == nullptr && key.map() == nullptr) return true;
        return std::none_of(open_.begin(), open_.end() - 1,
                            [](const Container& outer) { return outer.at_key; });
    }

    std::vector<Container> open_;
    Value root_;
};

constinit const Value nil_value;

}  // namespace

Value::Value(std::initializer_list<std::pair<std::string, Value>> map) : data_(Map(map)) {}

bool Value::is_nil() const noexcept {
    return std::holds_alternative<std::monostate>(data_);
}

std::int64_t Value::integer_or(std::int64_t otherwise) const noexcept {
    if (const std::int64_t* number = signed_number()) return *number;
    if (const double* number = real()) {
        // 2^63 itself is a double, so the comparison is exact; NaN fails it.
        constexpr double limit = 9223372036854775808.0;
        const bool in_range = *number >= -limit && *number < limit;
        if (in_range && std::trunc(*number) == *number) return static_cast<std::int64_t>(*number);
    }
    return otherwise;  // Unsigned numbers are stored so only above the range.
}

std::string Value::text_or(std::string_view otherwise) const {
    return text() != nullptr ? *text() : std::string{otherwise};
}

const Value& Value::operator[](std::string_view key) const noexcept {
    if (const Map* entries = map()) {
        for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
            if (entry->first == key) return entry->second;
        }
    }
    return nil_value;
}

tl::expected<std::string, std::string> to_msgpack(const Value& value) {
    Packer packer;
    if (!packer.pack(value, 0)) return tl::make_unexpected(packer.error());
    return packer.take();
}

tl::expected<Value, std::string> from_msgpack(std::string_view bytes) {
    if (std::string wrong = check_msgpack(bytes); !wrong.empty()) {
        return tl::make_unexpected(std::move(wrong));
    }
    Builder builder;
    std::size_t offset = 0;
    if (!msgpack::parse(bytes.data(), bytes.size(), offset, builder)) {
        return tl::make_unexpected(
            std::string{"The msgpack has a map whose key is a list or map that has such a key "
                        "itself; use text for keys."});
    }
    return builder.take();
}

}  // namespace weft::fabric
