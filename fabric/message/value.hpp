#pragma once
// A msgpack-able value: what bodies are made of when they are not JSON text or raw bytes.
// Threads: values.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace weft::fabric {

/// Bytes that are not text.
struct Binary {
    std::string bytes;
    friend bool operator==(const Binary&, const Binary&) = default;
};

class Value {
public:
    using List = std::vector<Value>;
    using Map = std::vector<std::pair<std::string, Value>>;  ///< Keeps the order given.

    Value() = default;  ///< nil
    Value(std::nullptr_t) {}
    Value(bool flag) : data_(flag) {}
    template <typename T>
    requires std::integral<T> Value(T number) {
        // One number has one form, so that equal numbers are equal values.
        data_ = static_cast<std::int64_t>(number);
        if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::uint64_t)) {
            if (number >> 63 != 0) data_ = static_cast<std::uint64_t>(number);
        }
    }
    Value(double number) : data_(number) {}
    Value(const char* text) : data_(std::string{text}) {}
    Value(std::string_view text) : data_(std::string{text}) {}
    Value(std::string text) : data_(std::move(text)) {}
    Value(Binary bytes) : data_(std::move(bytes)) {}
    Value(List list) : data_(std::move(list)) {}
    Value(Map map) : data_(std::move(map)) {}
    /// {{"hash", "abc"}, {"files", 3}} is a map.
    Value(std::initializer_list<std::pair<std::string, Value>> map);

    [[nodiscard]] bool is_nil() const noexcept;
    [[nodiscard]] const bool* flag() const noexcept { return std::get_if<bool>(&data_); }
    [[nodiscard]] const std::string* text() const noexcept {
        return std::get_if<std::string>(&data_);
    }
    [[nodiscard]] const Binary* binary() const noexcept { return std::get_if<Binary>(&data_); }
    [[nodiscard]] const List* list() const noexcept { return std::get_if<List>(&data_); }
    [[nodiscard]] const Map* map() const noexcept { return std::get_if<Map>(&data_); }
    /// A number that came as floating point, or nothing; see also integer_or().
    [[nodiscard]] const double* real() const noexcept { return std::get_if<double>(&data_); }
    /// Every integer up to 2^63-1, whatever type it came in.
    [[nodiscard]] const std::int64_t* signed_number() const noexcept {
        return std::get_if<std::int64_t>(&data_);
    }
    /// Only integers from 2^63 on.
    [[nodiscard]] const std::uint64_t* unsigned_number() const noexcept {
        return std::get_if<std::uint64_t>(&data_);
    }
    /// An integer in range, also one that is stored as floating point; else `otherwise`.
    [[nodiscard]] std::int64_t integer_or(std::int64_t otherwise) const noexcept;
    [[nodiscard]] std::string text_or(std::string_view otherwise) const;
    /// The entry of a map, or nil: value["a"]["b"] never throws. The last one wins where a foreign
    /// map repeats a key.
    [[nodiscard]] const Value& operator[](std::string_view key) const noexcept;

    friend bool operator==(const Value&, const Value&) = default;

private:
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Binary,
                 List, Map>
        data_;
};

/// msgpack bytes of a value (smallest forms). Deeper than msgpack_depth_max: error sentence.
[[nodiscard]] tl::expected<std::string, std::string> to_msgpack(const Value& value);
/// Foreign bytes: limits of codec.hpp hold, and one object must fill `bytes` exactly. Map keys that
/// are not text become their JSON text, and a list or map that is a key may not have such a key
/// itself; extension types become Binary.
[[nodiscard]] tl::expected<Value, std::string> from_msgpack(std::string_view bytes);

}  // namespace weft::fabric
