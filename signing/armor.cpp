#include "signing/armor.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "signing/refusal.hpp"
#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

constexpr std::string_view dashes = "-----";
constexpr std::size_t line_characters = 64;
constexpr std::array<std::string_view, 5> labels{"WEFT SIGNING KEY", "WEFT CERTIFICATE",
                                                 "WEFT CA KEY", "WEFT CA", "WEFT REVOCATION LIST"};

std::string line(std::string_view word, ArmorLabel label) {
    return std::string(dashes).append(word).append(text_of(label)).append(dashes);
}

/// Takes "\n" or "\r\n" off the front.
bool take_line_end(std::string_view& text) {
    if (text.starts_with("\r\n")) {
        text.remove_prefix(2);
        return true;
    }
    if (!text.starts_with('\n')) return false;
    text.remove_prefix(1);
    return true;
}

std::string wrong_start(ArmorLabel wanted, std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN ";
    std::string expected = "it must start with '" + line("BEGIN ", wanted) + "'";
    if (!text.starts_with(begin)) return expected;
    const std::string_view label =
        text.substr(begin.size(), text.find_first_of("\r\n") - begin.size());
    return expected + ", but it holds '" + escape(label.substr(0, label.rfind(dashes)), 40) + "'";
}

/// The base64 between the two lines.
tl::expected<std::string_view, std::string> body_of(ArmorLabel label, std::string_view text) {
    const std::string begin = line("BEGIN ", label), end = line("END ", label);
    std::string_view rest = text;
    if (!rest.starts_with(begin)) return tl::make_unexpected(wrong_start(label, text));
    rest.remove_prefix(begin.size());
    if (!take_line_end(rest)) return tl::make_unexpected(wrong_start(label, text));
    const std::size_t close = rest.find(end);
    if (close == std::string_view::npos) {
        return tl::make_unexpected("it is cut off: the line '" + end + "' is missing");
    }
    const std::string_view body = rest.substr(0, close);
    rest.remove_prefix(close + end.size());
    if (!rest.empty() && (!take_line_end(rest) || !rest.empty())) {
        return tl::make_unexpected("something follows after '" + end + "'; nothing may");
    }
    return body;
}

constexpr std::string_view not_base64 = "what stands between its first and last line is not base64";

std::size_t armored_bytes(ArmorLabel label, std::size_t content_bytes) {
    const std::size_t characters = base64_bytes(content_bytes);
    const std::size_t lines = (characters + line_characters - 1) / line_characters;
    return line("BEGIN ", label).size() + line("END ", label).size() + 2 + characters + lines;
}

/// Writes the whole text; `base64` stands in memory of the caller.
char* put_armor(ArmorLabel label, std::string_view base64, char* out) {
    const auto put = [&out](std::string_view text) {
        out = std::copy(text.begin(), text.end(), out);
        *out++ = '\n';
    };
    put(line("BEGIN ", label));
    for (std::size_t at = 0; at < base64.size(); at += line_characters) {
        put(base64.substr(at, line_characters));
    }
    put(line("END ", label));
    return out;
}

}  // namespace

std::string_view text_of(ArmorLabel label) noexcept {
    return labels[static_cast<std::size_t>(label)];
}

std::string armor(ArmorLabel label, std::string_view content) {
    std::string text(armored_bytes(label, content.size()), '\0');
    [[maybe_unused]] const char* end = put_armor(label, to_base64(content), text.data());
    assert(end == text.data() + text.size());
    return text;
}

tl::expected<std::string, std::string> unarmor(ArmorLabel label, std::string_view text) {
    const auto body = body_of(label, text);
    if (!body) return tl::make_unexpected(body.error());
    auto content = from_base64(*body);
    if (!content || content->empty()) return tl::make_unexpected(std::string(not_base64));
    return std::move(*content);
}

Secret armor_secret(ArmorLabel label, const Secret& content) {
    Secret base64(base64_bytes(content.size()));
    to_base64(content.reveal(), base64.data());
    Secret text(armored_bytes(label, content.size()));
    put_armor(label, base64.reveal(), text.data());
    return text;
}

tl::expected<Secret, std::string> unarmor_secret(ArmorLabel label, const Secret& text) {
    const auto body = body_of(label, text.reveal());
    if (!body) return tl::make_unexpected(body.error());
    Secret content(body->size());
    const auto bytes = from_base64(*body, content.data(), content.size());
    if (!bytes || *bytes == 0) return tl::make_unexpected(std::string(not_base64));
    content.shrink_to(*bytes);
    return content;
}

}  // namespace weft::signing
