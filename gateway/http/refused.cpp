#include "gateway/http/refused.hpp"

#include <array>

namespace weft::gateway {

std::string_view name_of(Refused reason) noexcept {
    static constexpr std::array<std::string_view, refused_count> names = {
        "bad_request_line",   "bad_header",
        "bad_host",           "bad_framing",
        "bad_chunk",          "version_not_spoken",
        "method_not_served",  "line_too_long",
        "header_too_large",   "body_too_large",
        "expectation_failed", "too_slow",
        "body_cut_short",     "too_many_connections",
        "too_many_requests",  "too_many_bodies",
        "not_mounted",        "tls_only",
        "bad_websocket",      "foreign_origin",
        "unanswered",         "stopping"};
    return names[static_cast<std::size_t>(reason)];
}

}  // namespace weft::gateway
