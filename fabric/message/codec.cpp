#include "fabric/message/codec.hpp"

#include <cassert>
#include <limits>

#include "fabric/message/msgpack_scan.hpp"
#include "fabric/message/msgpack_write.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {
std::size_t encoded_size(const ContentHeader& header, std::string_view body) {
    // Two array heads, the id, and three integers in full width.
    std::size_t size = 2 + msgpack_bin_size(16) + std::size_t{3} * 9;
    size += msgpack_str_size(header.source.size()) + msgpack_str_size(header.content_type.size());
    size += header.parent ? msgpack_bin_size(16) : 1;
    size += header.ack.empty() ? 1 : header.ack.size();
    size += header.headers.empty() ? 1 : msgpack_head_size(header.headers.size());
    for (const auto& [name, value] : header.headers) {
        size += msgpack_str_size(name.size()) + msgpack_str_size(value.size());
    }
    return size + (header.content_type.empty() ? body.size() : msgpack_bin_size(body.size()));
}

void encode_content(const ContentHeader& header, std::string_view body, char* out) {
    assert(body.size() <= std::numeric_limits<std::uint32_t>::max());
    MsgpackWriter store{out};
    store.u8(0x92);
    store.u8(0x99);
    store.bin(header.id.bytes());
    store.full_uint(header.epoch);
    store.full_uint(header.seq);
    store.full_uint(header.time_us);
    store.str(header.source);
    store.str(header.content_type);
    if (header.parent) {
        store.bin(header.parent->bytes());
    } else {
        store.nil();
    }
    if (header.ack.empty()) {
        store.nil();
    } else {
        store.raw(header.ack);
    }
    if (header.headers.empty()) {
        store.nil();
    } else {
        store.map_head(header.headers.size());
        for (const auto& [name, value] : header.headers) store.str(name), store.str(value);
    }
    if (header.content_type.empty()) {
        assert(!body.empty());
        store.raw(body);
    } else {
        store.bin(body);
    }
}

std::string content_error(const ContentHeader& header) {
    const auto field_error = [](std::string_view name, std::string_view text) -> std::string {
        if (text.size() > text_field_bytes_max) {
            return "The " + std::string{name} + " has " + std::to_string(text.size()) +
                   " bytes; at most " + std::to_string(text_field_bytes_max) + " are allowed.";
        }
        if (!is_utf8(text)) return "The " + std::string{name} + " is not UTF-8; it must be.";
        return "";
    };
    if (auto wrong = field_error("source", header.source); !wrong.empty()) return wrong;
    if (auto wrong = field_error("content type", header.content_type); !wrong.empty()) return wrong;
    if (!header.ack.empty()) {
        if (auto wrong = check_msgpack(header.ack); !wrong.empty()) {
            return "The request for acknowledgements is not one msgpack object. " + wrong;
        }
    }
    if (header.headers.size() > headers_max) {
        return "There are " + std::to_string(header.headers.size()) + " headers; at most " +
               std::to_string(headers_max) + " are allowed.";
    }
    for (const auto& [name, value] : header.headers) {
        if (name.empty()) return "A header has an empty name; it must have 1 to 255 bytes.";
        if (auto wrong = field_error("name of a header", name); !wrong.empty()) return wrong;
        if (value.size() > header_value_bytes_max) {
            return "The header '" + std::string{name} + "' has a value of " +
                   std::to_string(value.size()) + " bytes; at most " +
                   std::to_string(header_value_bytes_max) + " are allowed.";
        }
        if (!is_utf8(value)) {
            return "The value of the header '" + std::string{name} +
                   "' is not UTF-8; encode such bytes, for example in base64.";
        }
    }
    return "";
}

std::string check_msgpack(std::string_view bytes) {
    const auto size = scan_msgpack(bytes);
    if (!size) return size.error();
    if (*size == bytes.size()) return "";
    return "The msgpack object ends after " + std::to_string(*size) + " of " +
           std::to_string(bytes.size()) + " bytes; exactly one object must fill them.";
}

}  // namespace weft::fabric
