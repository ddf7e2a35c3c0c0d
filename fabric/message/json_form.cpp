#include "fabric/message/json_form.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "fabric/message/json_number.hpp"
#include "fabric/message/utf8_text.hpp"
#include "signing/sodium.hpp"
#include "signing/utf8.hpp"

namespace weft::fabric {
namespace {

/// Beyond JSON's own rule (C0, quote, backslash) also what ends a line for some readers (U+0085,
/// U+2028, U+2029) or steers a terminal (DEL and C1).
bool must_escape(char32_t c) {
    return signing::is_control(c) || c == '"' || c == '\\' || c == 0x2028 || c == 0x2029;
}

void append_escape(std::string& out, char32_t c) {
    static constexpr std::string_view digits = "0123456789abcdef";
    static constexpr std::string_view plain = "\"\\\b\f\n\r\t", short_form = "\"\\bfnrt";
    out += '\\';
    const std::size_t known = c < 0x80 ? plain.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
        out += short_form[known];
        return;
    }
    out += 'u';
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[(c >> shift) & 15];
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t kept = 0;  // Bytes before this are in `out`: plain runs are copied whole.
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        if (first >= 0x20 && first < 0x7F && first != '"' && first != '\\') {
            ++at;
            continue;
        }
        const signing::Utf8Character next = signing::first_utf8_character(text.substr(at));
        if (!next.valid() || must_escape(next.code_point)) {
            out += text.substr(kept, at - kept);
            kept = at + next.bytes;
            if (next.valid()) {
                append_escape(out, next.code_point);
            } else {
                out += "\xEF\xBF\xBD";  // U+FFFD
            }
        }
        at += next.bytes;
    }
    out += text.substr(kept);
    out += '"';
}

template <typename Integer>
void append_integer(std::string& out, Integer number) {
    std::array<char, 24> room{};
    const auto end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
    out.append(room.data(), end);
}

void append_binary(std::string& out, std::string_view bytes) {
    out += R"({"base64":")";
    out += signing::to_base64(bytes);
    out += "\"}";
}

// Recursion as deep as the value: at most 32 where it came from foreign bytes.
void append_value(std::string& out, const Value& value) {
    if (const bool* flag = value.flag()) {
        out += *flag ? "true" : "false";
    } else if (const std::int64_t* number = value.signed_number()) {
        append_integer(out, *number);
    } else if (const std::uint64_t* large = value.unsigned_number()) {
        append_integer(out, *large);
    } else if (const double* real = value.real()) {
        out += json_number(*real);
    } else if (const std::string* text = value.text()) {
        append_string(out, *text);
    } else if (const Binary* binary = value.binary()) {
        append_binary(out, binary->bytes);
    } else if (const Value::List* list = value.list()) {
        char before = '[';
        for (const Value& element : *list) {
            out += before;
            append_value(out, element);
            before = ',';
        }
        out += list->empty() ? "[]" : "]";
    } else if (const Value::Map* map = value.map()) {
        char before = '{';
        for (const auto& [key, element] : *map) {
            out += before;
            append_string(out, key);
            out += ':';
            append_value(out, element);
            before = ',';
        }
        out += map->empty() ? "{}" : "}";
    } else {
        out += "null";
    }
}

/// JSON that others wrote, without white space: only its strings can hold anything outside of
/// ASCII, so escaping there never changes what the text says.
void append_foreign_json(std::string& out, std::string_view json) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < json.size();) {
        const auto first = static_cast<unsigned char>(json[at]);
        if (first < 0x7F) {
            ++at;
            continue;
        }
        const signing::Utf8Character next = signing::first_utf8_character(json.substr(at));
        if (must_escape(next.code_point)) {
            out += json.substr(kept, at - kept);
            kept = at + next.bytes;
            append_escape(out, next.code_point);
        }
        at += next.bytes;
    }
    out += json.substr(kept);
}

void append_body(std::string& out, const Message& message) {
    if (message.body_is_msgpack()) {
        if (const auto value = from_msgpack(message.body())) return append_value(out, *value);
        return append_binary(out, message.body());
    }
    if (!declares_plain_text(message.content_type())) {
        if (const auto json = compact_json(message.body())) return append_foreign_json(out, *json);
    }
    if (is_utf8(message.body())) return append_string(out, message.body());
    append_binary(out, message.body());
}

void append_headers(std::string& out, const HeaderList& headers) {
    char before = '{';
    for (auto entry = headers.begin(); entry != headers.end(); ++entry) {
        // The last one of a name counts, here as in Message::header().
        const auto again = [&](const auto& later) { return later.first == entry->first; };
        if (std::any_of(entry + 1, headers.end(), again)) continue;
        out += before;
        append_string(out, entry->first);
        out += ':';
        append_string(out, entry->second);
        before = ',';
    }
    out += headers.empty() ? "{}" : "}";
}

void append_number_of_digits(std::string& out, std::uint64_t number, std::size_t digits) {
    const std::string text = std::to_string(number);
    out.append(digits - std::min(digits, text.size()), '0');
    out += text;
}

}  // namespace

bool declares_plain_text(std::string_view content_type) noexcept {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    const auto starts_with = [&](std::string_view start) {
        return content_type.size() >= start.size() &&
               std::equal(start.begin(), start.end(), content_type.begin(),
                          [&](char b, char a) { return same(a, b); });
    };
    return starts_with("text/") && !starts_with("text/json");
}

std::string to_json(const Message& message, std::optional<std::uint64_t> journal_id) {
    if (!journal_id) journal_id = message.journal_id();
    std::string out;
    out.reserve(512 + message.body().size() + message.body().size() / 2);
    out += R"({"id":")";
    out += message.id().text();
    out += R"(","journal_id":)";
    if (journal_id) {
        append_integer(out, *journal_id);
    } else {
        out += "null";
    }
    out += R"(,"topic":)";
    append_string(out, message.topic());
    out += R"(,"time":")";
    out += rfc3339(message.time_us());
    out += R"(","source":)";
    append_string(out, message.source());
    out += R"(,"signer":)";
    if (message.signer().empty()) {
        out += "null";
    } else {
        append_string(out, message.signer());
    }
    out += R"(,"verified":)";
    out += message.verified() ? "true" : "false";
    out += R"(,"seq":)";
    append_integer(out, message.seq());
    out += R"(,"parent":)";
    out += message.parent() ? "\"" + message.parent()->text() + "\"" : "null";
    out += R"(,"content_type":)";
    append_string(out, message.content_type());
    out += R"(,"headers":)";
    append_headers(out, message.headers());
    out += R"(,"body":)";
    append_body(out, message);
    out += '}';
    return out;
}

std::string body_to_json(const Message& message) {
    std::string out;
    append_body(out, message);
    return out;
}

std::string to_json(const Value& value) {
    std::string out;
    append_value(out, value);
    return out;
}

std::string json_string(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_string(out, text);
    return out;
}

std::string rfc3339(std::uint64_t time_us) {
    // RFC 3339 has four digits for the year; what a foreign publisher claims beyond stays there.
    constexpr std::uint64_t last = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z
    const std::chrono::microseconds since_1970{static_cast<std::int64_t>(std::min(time_us, last))};
    const std::chrono::sys_time<std::chrono::microseconds> time{since_1970};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    const auto number = [](auto count) { return static_cast<std::uint64_t>(count); };

    std::string out;
    append_number_of_digits(out, number(static_cast<int>(date.year())), 4);
    out += '-';
    append_number_of_digits(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    append_number_of_digits(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
    append_number_of_digits(out, number(clock.hours().count()), 2);
    out += ':';
    append_number_of_digits(out, number(clock.minutes().count()), 2);
    out += ':';
    append_number_of_digits(out, number(clock.seconds().count()), 2);
    out += '.';
    append_number_of_digits(out, number(clock.subseconds().count()), 6);
    out += 'Z';
    return out;
}

}  // namespace weft::fabric
