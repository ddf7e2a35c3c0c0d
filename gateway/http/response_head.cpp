#include "gateway/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/http/problem.hpp"
#include "gateway/http/request_grammar.hpp"

namespace weft::gateway {
namespace {

bool is_the_servers(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 6> own = {
        "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Date", "X-Request-Id"};
    return std::any_of(own.begin(), own.end(),
                       [&](std::string_view known) { return same_name(known, name); });
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
    head += name;
    head += ": ";
    const std::size_t begin = head.size();
    head += value;
    const auto ends_line = [](char byte) {
        const auto code = static_cast<unsigned char>(byte);
        return (code < 0x20 && byte != '\t') || code == 0x7F;
    };
    std::replace_if(head.begin() + static_cast<std::ptrdiff_t>(begin), head.end(), ends_line, ' ');
    head += "\r\n";
}

std::string date_line(std::time_t now) {
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text{};
    const std::size_t bytes =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    std::string line;
    append_header(line, "Date", {text.data(), bytes});
    return line;
}

/// Made once a second by each thread: it costs more than the rest of a head.
void append_date(std::string& head, std::time_t now) {
    struct Made {
        std::time_t at;
        std::string line;
    };
    thread_local Made made{now, date_line(now)};
    if (made.at != now) made = {now, date_line(now)};
    head += made.line;
}

void append_number(std::string& head, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    head.append(digits.data(), end);
}

constexpr std::size_t usual_head_bytes = 256;

}  // namespace

bool may_have_body(unsigned status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

std::string response_head(unsigned status, const Headers& headers, const HeadShape& shape) {
    std::string head;
    head.reserve(usual_head_bytes);
    head += "HTTP/1.1 ";
    append_number(head, status);
    head += ' ';
    head += reason_phrase(status);
    head += "\r\n";
    append_date(head, shape.now);
    for (const auto& [name, value] : headers.list()) {
        if (is_token(name) && !is_the_servers(name)) append_header(head, name, value);
    }
    if (!shape.request_id.empty()) append_header(head, "X-Request-Id", shape.request_id);
    if (shape.chunked) {
        append_header(head, "Transfer-Encoding", "chunked");
    } else if (shape.length) {
        head += "Content-Length: ";
        append_number(head, *shape.length);
        head += "\r\n";
    }
    if (shape.upgrades) {
        append_header(head, "Connection", "Upgrade");
    } else if (!shape.keep_alive) {
        append_header(head, "Connection", "close");
    } else if (shape.version == 10) {
        append_header(head, "Connection", "keep-alive");
    }
    head += "\r\n";
    return head;
}

}  // namespace weft::gateway
