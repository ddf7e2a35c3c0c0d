#include "fabric/message/body.hpp"

#include <stdexcept>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"

namespace weft::fabric {

Body::Body(const Value& value) {
    auto packed = to_msgpack(value);
    if (!packed) throw std::invalid_argument(packed.error());
    bytes_ = std::move(*packed);
}

tl::expected<Body, std::string> Body::json(std::string_view text) {
    auto compact = compact_json(text);
    if (!compact) return tl::make_unexpected(compact.error());
    return Body{std::move(*compact), "application/json"};
}

tl::expected<Body, std::string> Body::msgpack(std::string bytes) {
    if (std::string wrong = check_msgpack(bytes); !wrong.empty()) return tl::make_unexpected(wrong);
    return Body{std::move(bytes), ""};
}

Body Body::raw(std::string bytes, std::string content_type) {
    if (content_type.empty()) content_type = "application/octet-stream";
    return Body{std::move(bytes), std::move(content_type)};
}

}  // namespace weft::fabric
