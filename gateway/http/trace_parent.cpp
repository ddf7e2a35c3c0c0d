#include "gateway/http/trace_parent.hpp"

#include <algorithm>
#include <cassert>

namespace weft::gateway {
namespace {

constexpr std::size_t trace_begin = 3, trace_digits = 32, span_begin = 36, span_digits = 16,
                      flags_begin = 53, bytes = 55;
constexpr std::string_view digits = "0123456789abcdef";

bool is_hex(std::string_view text) noexcept {
    return text.find_first_not_of(digits) == std::string_view::npos;
}

bool is_id(std::string_view text) noexcept {
    return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<std::string> trace_parent(std::string_view text) {
    if (text.size() < bytes) return std::nullopt;
    const std::string_view version = text.substr(0, 2);
    const bool dashes =
        text[2] == '-' && text[span_begin - 1] == '-' && text[flags_begin - 1] == '-';
    if (!dashes || !is_hex(version) || version == "ff" ||
        !is_id(text.substr(trace_begin, trace_digits)) ||
        !is_id(text.substr(span_begin, span_digits)) || !is_hex(text.substr(flags_begin, 2))) {
        return std::nullopt;
    }
    // Version 00 ends here; a later one may go on behind another dash.
    if (text.size() > bytes && (version == "00" || text[bytes] != '-')) return std::nullopt;
    if (version == "00") return std::string{text};
    // Of its flags only `sampled` is known to mean the same.
    const bool sampled = digits.find(text[bytes - 1]) % 2 == 1;
    return "00" + std::string{text.substr(2, flags_begin - 2)} + (sampled ? "01" : "00");
}

std::optional<std::string> trace_parent(const Headers& headers) {
    const auto all = headers.all("traceparent");
    return all.size() == 1 ? trace_parent(all.front()) : std::nullopt;
}

std::string made_trace_parent(std::string_view random) {
    assert(random.size() == (trace_digits + span_digits) / 2);
    std::string text = "00-";
    for (std::size_t i = 0; i < random.size(); ++i) {
        if (i == trace_digits / 2) text += '-';
        const auto byte = static_cast<unsigned char>(random[i]);
        text += digits[byte >> 4U];
        text += digits[byte & 0xFU];
    }
    return text + "-00";
}

}  // namespace weft::gateway
