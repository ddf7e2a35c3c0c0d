#include "gateway/access_log/access_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "gateway/http/uri.hpp"

namespace weft::gateway {
namespace {

constexpr std::string_view hidden = "REDACTED";
constexpr std::size_t word_shown_max = 256;

bool is_secret(std::string_view raw_name) {
    static constexpr std::array<std::string_view, 4> secrets = {"token", "access_token", "secret",
                                                                "x-auth-token"};
    const auto name = percent_decode(raw_name, true);
    // Who knows what a name means that cannot be read.
    if (!name) return true;
    return std::any_of(secrets.begin(), secrets.end(),
                       [&](std::string_view secret) { return same_name(secret, trimmed(*name)); });
}

/// Printable ASCII alone: all else, quotes and backslashes are \xNN.
std::string visible(std::string_view text, std::size_t most, bool with_blanks = true) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char byte : text.substr(0, most)) {
        const bool plain = byte > 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
        if (plain || (byte == ' ' && with_blanks)) {
            out += byte;
            continue;
        }
        const auto code = static_cast<unsigned char>(byte);
        out += "\\x";
        out += digits[code >> 4U];
        out += digits[code & 0xFU];
    }
    if (text.size() > most) out += "...";
    return out;
}

/// A field between blanks: never empty, never two.
std::string word(std::string_view text) {
    return text.empty() ? "-" : visible(text, word_shown_max, false);
}

std::string quoted(std::string_view text, std::size_t most = word_shown_max) {
    std::string out = "\"";
    for (const char byte : visible(text, most)) {
        if (byte == '\\') out += '\\';
        out += byte;
    }
    return out + "\"";
}

std::string time_text(std::uint64_t now_us, const char* format) {
    const auto seconds = static_cast<std::time_t>(now_us / 1'000'000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

std::string seconds_text(std::chrono::microseconds took) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.6f", static_cast<double>(took.count()) / 1e6);
    return text.data();
}

std::string protocol_of(const AccessRecord& record) {
    return record.version == 10 ? "HTTP/1.0" : "HTTP/1.1";
}

std::string text_line(const AccessRecord& record, const std::string& client, std::uint64_t now_us) {
    std::string line = client + " - " + word(record.token);
    line += time_text(now_us, " [%d/%b/%Y:%H:%M:%S +0000] \"");
    line += visible(record.method, word_shown_max, false) + " ";
    line += visible(without_secrets(record.target), target_shown_max, false) + " ";
    line += protocol_of(record) + "\" " + std::to_string(record.status) + " ";
    line += std::to_string(record.bytes) + " " + seconds_text(record.took);
    for (const auto& field : {record.request_id, record.traceparent, record.listener}) {
        line += " " + word(field);
    }
    return line + "\n";
}

std::string json_line(const AccessRecord& record, const std::string& client, std::uint64_t now_us) {
    std::array<char, 16> millis{};
    std::snprintf(millis.data(), millis.size(), ".%03uZ",
                  static_cast<unsigned>(now_us / 1000 % 1000));
    std::string line = "{\"time\":\"" + time_text(now_us, "%Y-%m-%dT%H:%M:%S") + millis.data();
    line += "\",\"client\":" + quoted(client);
    line += ",\"token\":" + (record.token.empty() ? "null" : quoted(record.token));
    line += ",\"method\":" + quoted(record.method);
    line += ",\"target\":" + quoted(without_secrets(record.target), target_shown_max);
    line += ",\"protocol\":" + quoted(protocol_of(record));
    line += ",\"status\":" + std::to_string(record.status);
    line += ",\"bytes\":" + std::to_string(record.bytes);
    line += ",\"seconds\":" + seconds_text(record.took);
    line += ",\"request_id\":" + quoted(record.request_id);
    line += ",\"traceparent\":" + quoted(record.traceparent);
    line += ",\"listener\":" + quoted(record.listener);
    return line + "}\n";
}

}  // namespace

std::string without_secrets(std::string_view target) {
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return std::string{target};
    std::string out{target.substr(0, mark + 1)};
    std::string_view rest = target.substr(mark + 1);
    while (true) {
        const std::size_t end = rest.find('&');
        const std::string_view parameter = rest.substr(0, end);
        const std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos || !is_secret(parameter.substr(0, equals))) {
            out += parameter;
        } else {
            out += parameter.substr(0, equals + 1);
            out += hidden;
        }
        if (end == std::string_view::npos) return out;
        out += '&';
        rest.remove_prefix(end + 1);
    }
}

std::string access_line(const AccessRecord& record, AccessFormat format,
                        const std::vector<Network>& trusted, std::uint64_t now_us) {
    const std::string client = word(client_address(record.peer, record.forwarded_for, trusted));
    return format == AccessFormat::json ? json_line(record, client, now_us)
                                        : text_line(record, client, now_us);
}

}  // namespace weft::gateway
