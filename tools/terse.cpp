#include "tools/terse.hpp"

#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"

namespace weft::tools {
namespace {

constexpr std::size_t body_bytes_shown = 200;

}  // namespace

std::string terse(const fabric::Message& message) {
    std::string body = fabric::body_to_json(message);
    if (body.size() > body_bytes_shown) {
        std::size_t end = body_bytes_shown;
        // Not in the middle of a character.
        while (end > 0 && (static_cast<unsigned char>(body[end]) & 0xC0) == 0x80) --end;
        body.resize(end);
        body += "…";
    }
    const std::string time = fabric::rfc3339(message.time_us());
    const std::string signer =
        message.signer().empty() ? "unsigned" : signing::escape(message.signer());
    return time.substr(11, 15) + "  " + signing::escape(message.topic()) + "  " + signer +
           (message.verified() ? " verified  " : " NOT VERIFIED  ") + body;
}

std::string pretty(std::string_view json) {
    std::string out;
    std::size_t depth = 0;
    bool in_string = false, escaped = false;
    const auto new_line = [&] { out += "\n" + std::string(2 * depth, ' '); };
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string) {
            out += c;
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        if (closes) {
            --depth;
            if (out.back() != '{' && out.back() != '[') new_line();
        }
        out += c;
        if (c == '"') in_string = true;
        if (c == ':') out += ' ';
        if (opens) {
            ++depth;
            if (i + 1 < json.size() && json[i + 1] != '}' && json[i + 1] != ']') new_line();
        }
        if (c == ',') new_line();
    }
    return out;
}

}  // namespace weft::tools
