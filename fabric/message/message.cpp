#include "fabric/message/message.hpp"

#include "fabric/message/json_form.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {

std::string_view Message::content_type() const noexcept {
    return body_is_msgpack() ? std::string_view{"application/msgpack"}
                             : content_.header.content_type;
}

std::optional<std::string_view> Message::header(std::string_view name) const noexcept {
    const HeaderList& headers = content_.header.headers;
    for (auto entry = headers.rbegin(); entry != headers.rend(); ++entry) {
        if (entry->first == name) return entry->second;
    }
    return std::nullopt;
}

Value Message::value() const {
    if (body_is_msgpack()) {
        if (auto value = from_msgpack(body())) return *std::move(value);
    } else {
        if (!declares_plain_text(content_type())) {
            if (auto value = from_json(body())) return *std::move(value);
        }
        if (is_utf8(body())) return Value{body()};
    }
    return Value{Binary{std::string{body()}}};
}

}  // namespace weft::fabric
