#pragma once
// What a publisher hands over: a map or other value (sent as msgpack), JSON text, or bytes with a
// content type.
// Threads: values.

#include <initializer_list>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "fabric/message/value.hpp"

namespace weft::fabric {

/// Encoded and ready to go. A view: the caller keeps the bytes.
struct BodyView {
    std::string_view bytes;
    std::string_view content_type;  ///< "": msgpack
};

class Body {
public:
    /// publish("git.commit", {{"hash", "2f1c"}, {"files", 3}}). A value nested deeper than
    /// msgpack_depth_max throws std::invalid_argument.
    Body(std::initializer_list<std::pair<std::string, Value>> map) : Body(Value(map)) {}
    Body(const Value& value);

    /// One JSON value; the error says what is wrong and where. Kept without its white space.
    [[nodiscard]] static tl::expected<Body, std::string> json(std::string_view text);
    /// One msgpack object that is packed already; checked against the limits of codec.hpp.
    [[nodiscard]] static tl::expected<Body, std::string> msgpack(std::string bytes);
    /// Any bytes; `content_type` such as "image/png". An empty one becomes
    /// "application/octet-stream".
    [[nodiscard]] static Body raw(std::string bytes, std::string content_type);
    [[nodiscard]] static Body text(std::string text) {
        return raw(std::move(text), "text/plain; charset=utf-8");
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
    [[nodiscard]] BodyView view() const noexcept { return {bytes_, content_type_}; }

private:
    Body(std::string bytes, std::string content_type)
        : bytes_(std::move(bytes)), content_type_(std::move(content_type)) {}

    std::string bytes_, content_type_;
};

}  // namespace weft::fabric
