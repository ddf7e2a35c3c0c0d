// The content of a message: whatever decodes is what a publisher may encode, means the same after
// that, and prints as one line of JSON.

#include <cassert>
#include <memory>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/message.hpp"
#include "fabric/message/utf8_text.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using fabric::ContentHeader;
using fabric::DecodedContent;

/// A message wraps a body of 32 levels, and binary parts become objects.
constexpr std::size_t json_depth_max = 64;

bool same(const ContentHeader& a, const ContentHeader& b) {
    return a.id == b.id && a.epoch == b.epoch && a.seq == b.seq && a.time_us == b.time_us &&
           a.source == b.source && a.content_type == b.content_type && a.parent == b.parent &&
           a.ack == b.ack && a.headers == b.headers;
}

std::string encoded(const DecodedContent& content) {
    std::string bytes(fabric::encoded_size(content.header, content.body), '\0');
    fabric::encode_content(content.header, content.body, bytes.data());
    return bytes;
}

std::string printed(const DecodedContent& content) {
    auto run = std::make_shared<fabric::RunBytes>();
    run->topic = "org.weft.dev.a";
    const fabric::Message message(run, content, {}, {});
    std::string json = to_json(message, 7);
    const auto compact = fabric::compact_json(json, json_depth_max);
    assert(compact && *compact == json);
    assert(json.find_first_of("\n\r\x7F") == std::string::npos && fabric::is_utf8(json));
    const auto body = fabric::query_json(json, "body");
    assert(body && *body == fabric::body_to_json(message));
    static_cast<void>(message.value());
    return json;
}

}  // namespace

void content(std::string_view input) {
    DecodedContent first;
    // Left over from another message: nothing of it may shine through.
    DecodedContent second;
    second.header.parent = fabric::MessageId{};
    second.header.ack = "ack";
    second.header.headers = {{"name", "value"}};
    second.body = "body";
    const auto decoded = fabric::decode_content(input, first);
    const auto decoded_again = fabric::decode_content(input, second);
    assert(decoded.has_value() == decoded_again.has_value());
    if (!decoded) {
        assert(decoded.error() == decoded_again.error() && decoded.error().ends_with('.') &&
               fabric::is_utf8(decoded.error()));
        return;
    }
    assert(same(first.header, second.header) && first.body == second.body);
    assert(first.body.data() >= input.data() || first.body.empty());
    assert(fabric::content_error(first.header).empty());
    if (first.header.content_type.empty()) assert(fabric::check_msgpack(first.body).empty());

    const std::string bytes = encoded(first);
    DecodedContent after;
    assert(fabric::decode_content(bytes, after));
    assert(same(first.header, after.header) && first.body == after.body);
    assert(encoded(after) == bytes);
    assert(printed(first) == printed(after));
}

}  // namespace weft::fuzz
