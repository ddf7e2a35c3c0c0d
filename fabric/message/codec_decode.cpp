// decode_content(): the reading half of codec.hpp. The header's few scalars are read by hand;
// whatever else may stand in a content (the body, a request for acknowledgements, positions of a
// later version) is only walked over, by scan_msgpack().

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/msgpack_scan.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {
namespace {

constexpr std::size_t header_positions = 9;

// Every error is made here, in the cold: the reading functions only say that something is wrong.
std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "Position " + std::to_string(position) + " of the content's header (" +
           std::string{name} + ") must be " + std::string{demand} + ".";
}

bool text_field(MsgpackReader& reader, std::string_view& text) {
    return reader.str(text) && text.size() <= text_field_bytes_max && is_utf8(text);
}

bool id_field(MsgpackReader& reader, MessageId& id) {
    std::string_view bytes;
    if (!reader.bin(bytes)) return false;
    const auto read = MessageId::from_bytes(bytes);
    if (!read) return false;
    id = *read;
    return true;
}

/// Positions 0 to 6.
std::string read_fixed_positions(MsgpackReader& reader, ContentHeader& header) {
    constexpr std::string_view number = "an integer of 0 to 2^64-1";
    constexpr std::string_view text = "UTF-8 text (str) of at most 255 bytes";
    if (!id_field(reader, header.id)) return wrong_position(0, "id", "16 bytes (bin)");
    if (!reader.uint(header.epoch)) return wrong_position(1, "epoch", number);
    if (!reader.uint(header.seq)) return wrong_position(2, "seq", number);
    if (!reader.uint(header.time_us)) return wrong_position(3, "time", number);
    if (!text_field(reader, header.source)) return wrong_position(4, "source", text);
    if (!text_field(reader, header.content_type)) return wrong_position(5, "content type", text);
    header.parent.reset();
    if (!reader.nil()) {
        MessageId parent;
        if (!id_field(reader, parent)) {
            return wrong_position(6, "parent", "nil or 16 bytes (bin)");
        }
        header.parent = parent;
    }
    return "";
}

/// Position 7.
std::string read_ack(MsgpackReader& reader, ContentHeader& header) {
    header.ack = {};
    if (reader.nil()) return "";
    const auto size = scan_msgpack(reader.rest());
    if (!size) return wrong_position(7, "ack", "nil or one msgpack object") + " " + size.error();
    header.ack = reader.rest().substr(0, *size);
    reader.skip(*size);
    return "";
}

/// Position 8.
std::string read_headers(MsgpackReader& reader, ContentHeader& header) {
    header.headers.clear();
    if (reader.nil()) return "";
    std::uint64_t count = 0;
    if (!reader.map_head(count) || count > headers_max) {
        return wrong_position(8, "headers", "nil or a map of at most 64 entries");
    }
    // The count is at most 64 here, so this is no allocation by a declared number.
    header.headers.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string_view name, value;
        if (!text_field(reader, name) || name.empty()) {
            return "The name of each header must be UTF-8 text (str) of 1 to 255 bytes.";
        }
        if (!reader.str(value) || value.size() > header_value_bytes_max || !is_utf8(value)) {
            return "The value of each header must be UTF-8 text (str) of at most 4096 bytes.";
        }
        header.headers.emplace_back(name, value);
    }
    return "";
}

std::string read_header(MsgpackReader& reader, ContentHeader& header) {
    std::uint64_t positions = 0;
    if (!reader.array_head(positions) || positions < header_positions) {
        return "The content's header must be a msgpack array of at least 9.";
    }
    // Each of them is walked over by itself.
    if (positions > header_positions_max) {
        return "The content's header must be a msgpack array of at most 64.";
    }
    std::string wrong = read_fixed_positions(reader, header);
    if (wrong.empty()) wrong = read_ack(reader, header);
    if (wrong.empty()) wrong = read_headers(reader, header);
    // A later version's positions.
    for (std::uint64_t i = header_positions; wrong.empty() && i < positions; ++i) {
        const auto size = scan_msgpack(reader.rest());
        if (!size) return wrong_position(static_cast<int>(i), "unknown", "one msgpack object");
        reader.skip(*size);
    }
    return wrong;
}

std::string read_body(MsgpackReader& reader, bool is_msgpack, std::string_view& body) {
    if (!is_msgpack) {
        if (reader.bin(body)) return "";
        return "The content has a content type, so its body must be bytes (bin).";
    }
    const std::string_view rest = reader.rest();
    std::string_view scalar;
    // A body that is one text or blob is common, and needs no walk.
    if (!reader.str(scalar) && !reader.bin(scalar)) {
        const auto size = scan_msgpack(rest);
        if (!size) return "The body must be one msgpack object. " + size.error();
        reader.skip(*size);
    }
    body = rest.substr(0, rest.size() - reader.rest().size());
    return "";
}

}  // namespace

tl::expected<void, std::string> decode_content(std::string_view content, DecodedContent& decoded) {
    if (content.empty() || content.front() != '\x92') {
        return tl::make_unexpected(
            std::string{"The content must be a msgpack array of two, [header, body]; its first "
                        "byte must be 0x92."});
    }
    MsgpackReader reader{content.substr(1)};
    std::string wrong = read_header(reader, decoded.header);
    if (wrong.empty()) {
        wrong = read_body(reader, decoded.header.content_type.empty(), decoded.body);
    }
    if (wrong.empty() && !reader.rest().empty()) {
        wrong = "The content has " + std::to_string(reader.rest().size()) +
                " bytes after its body; the array of header and body must fill it exactly.";
    }
    if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
    return {};
}

}  // namespace weft::fabric
