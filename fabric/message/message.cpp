#include "fabric/message/message.hpp"

#include <algorithm>

#include "fabric/message/json_form.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {

RunBytes::RunBytes(std::string_view the_topic, std::string_view the_contents,
                   std::string_view the_proof)
    : bytes_(std::make_unique_for_overwrite<char[]>(the_topic.size() + the_contents.size() +
                                                    the_proof.size())) {
    char* end = bytes_.get();
    const auto keep = [&end](std::string_view frame) {
        const std::string_view kept(end, frame.size());
        end = std::copy(frame.begin(), frame.end(), end);
        return kept;
    };
    topic = keep(the_topic);
    contents = keep(the_contents);
    proof = keep(the_proof);
}

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
