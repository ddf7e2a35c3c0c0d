#include "fabric/message/codec.hpp"

#include <cassert>
#include <cstring>
#include <limits>

#include "fabric/message/msgpack_scan.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {
namespace {

// The smallest header that msgpack allows for a text or bytes of this size.
std::size_t str_size(std::size_t bytes) {
    if (bytes < 32) return 1 + bytes;
    if (bytes < 0x100) return 2 + bytes;
    return bytes < 0x10000 ? 3 + bytes : 5 + bytes;
}
std::size_t bin_size(std::size_t bytes) {
    if (bytes < 0x100) return 2 + bytes;
    return bytes < 0x10000 ? 3 + bytes : 5 + bytes;
}
std::size_t map_head_size(std::size_t entries) {
    return entries < 16 ? 1 : 3;
}

/// Stores into room that was claimed before; never checks, never allocates.
class Store {
public:
    explicit Store(char* out) : out_(out) {}

    void u8(std::size_t number) { *out_++ = static_cast<char>(static_cast<std::uint8_t>(number)); }
    void u16(std::size_t number) { u8(number >> 8), u8(number); }
    void u32(std::size_t number) { u16(number >> 16), u16(number); }
    void full_uint(std::uint64_t number) {
        u8(0xCF);
        for (int shift = 56; shift >= 0; shift -= 8) u8(number >> shift);
    }
    void nil() { u8(0xC0); }
    void raw(std::string_view bytes) {
        // memcpy from nullptr is undefined even for no bytes.
        if (!bytes.empty()) std::memcpy(out_, bytes.data(), bytes.size());
        out_ += bytes.size();
    }
    void str(std::string_view text) {
        if (text.size() < 32) {
            u8(0xA0 | text.size());
        } else if (text.size() < 0x100) {
            u8(0xD9), u8(text.size());
        } else if (text.size() < 0x10000) {
            u8(0xDA), u16(text.size());
        } else {
            u8(0xDB), u32(text.size());
        }
        raw(text);
    }
    void bin(std::string_view bytes) {
        if (bytes.size() < 0x100) {
            u8(0xC4), u8(bytes.size());
        } else if (bytes.size() < 0x10000) {
            u8(0xC5), u16(bytes.size());
        } else {
            u8(0xC6), u32(bytes.size());
        }
        raw(bytes);
    }
    void map_head(std::size_t entries) {
        if (entries < 16) {
            u8(0x80 | entries);
        } else {
            u8(0xDE), u16(entries);
        }
    }

private:
    char* out_;
};

}  // namespace

std::size_t encoded_size(const ContentHeader& header, std::string_view body) {
    // Two array heads, the id, and three integers in full width.
    std::size_t size = 2 + bin_size(16) + std::size_t{3} * 9;
    size += str_size(header.source.size()) + str_size(header.content_type.size());
    size += header.parent ? bin_size(16) : 1;
    size += header.ack.empty() ? 1 : header.ack.size();
    size += header.headers.empty() ? 1 : map_head_size(header.headers.size());
    for (const auto& [name, value] : header.headers) {
        size += str_size(name.size()) + str_size(value.size());
    }
    return size + (header.content_type.empty() ? body.size() : bin_size(body.size()));
}

void encode_content(const ContentHeader& header, std::string_view body, char* out) {
    assert(body.size() <= std::numeric_limits<std::uint32_t>::max());
    Store store{out};
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
