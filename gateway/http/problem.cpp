#include "gateway/http/problem.hpp"

#include <algorithm>
#include <array>

#include "fabric/message/json_form.hpp"

namespace weft::gateway {

std::string_view reason_phrase(unsigned status) noexcept {
    struct Known {
        unsigned status;
        std::string_view phrase;
    };
    static constexpr std::array<Known, 41> known = {{{100, "Continue"},
                                                     {101, "Switching Protocols"},
                                                     {200, "OK"},
                                                     {201, "Created"},
                                                     {202, "Accepted"},
                                                     {204, "No Content"},
                                                     {206, "Partial Content"},
                                                     {207, "Multi-Status"},
                                                     {301, "Moved Permanently"},
                                                     {302, "Found"},
                                                     {303, "See Other"},
                                                     {304, "Not Modified"},
                                                     {307, "Temporary Redirect"},
                                                     {308, "Permanent Redirect"},
                                                     {400, "Bad Request"},
                                                     {401, "Unauthorized"},
                                                     {402, "Payment Required"},
                                                     {403, "Forbidden"},
                                                     {404, "Not Found"},
                                                     {405, "Method Not Allowed"},
                                                     {406, "Not Acceptable"},
                                                     {408, "Request Timeout"},
                                                     {409, "Conflict"},
                                                     {410, "Gone"},
                                                     {411, "Length Required"},
                                                     {412, "Precondition Failed"},
                                                     {413, "Content Too Large"},
                                                     {414, "URI Too Long"},
                                                     {415, "Unsupported Media Type"},
                                                     {417, "Expectation Failed"},
                                                     {422, "Unprocessable Content"},
                                                     {426, "Upgrade Required"},
                                                     {428, "Precondition Required"},
                                                     {429, "Too Many Requests"},
                                                     {431, "Request Header Fields Too Large"},
                                                     {500, "Internal Server Error"},
                                                     {501, "Not Implemented"},
                                                     {502, "Bad Gateway"},
                                                     {503, "Service Unavailable"},
                                                     {504, "Gateway Timeout"},
                                                     {505, "HTTP Version Not Supported"}}};
    const auto* found =
        std::lower_bound(known.begin(), known.end(), status,
                         [](const Known& entry, unsigned wanted) { return entry.status < wanted; });
    return found != known.end() && found->status == status ? found->phrase : "Unknown";
}

Response problem(unsigned status, std::string_view detail) {
    std::string body = R"({"type":"about:blank","title":)";
    body += fabric::json_string(reason_phrase(status));
    body += ",\"status\":" + std::to_string(status);
    body += ",\"detail\":" + fabric::json_string(detail) + "}";
    return Response::of(status, "application/problem+json", std::move(body));
}

}  // namespace weft::gateway
