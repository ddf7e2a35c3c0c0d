#include "gateway/http/response_head.hpp"

#include <algorithm>
#include <array>

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
    for (const char byte : value) {
        const auto code = static_cast<unsigned char>(byte);
        head += (code < 0x20 && byte != '\t') || code == 0x7F ? ' ' : byte;
    }
    head += "\r\n";
}

void append_date(std::string& head, std::time_t now) {
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text{};
    const std::size_t bytes =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    append_header(head, "Date", {text.data(), bytes});
}

}  // namespace

bool may_have_body(unsigned status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

std::string response_head(unsigned status, const Headers& headers, const HeadShape& shape) {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
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
        append_header(head, "Content-Length", std::to_string(*shape.length));
    }
    if (!shape.keep_alive) {
        append_header(head, "Connection", "close");
    } else if (shape.version == 10) {
        append_header(head, "Connection", "keep-alive");
    }
    head += "\r\n";
    return head;
}

}  // namespace weft::gateway
