#include "gateway/problem.hpp"

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::gateway {

using fabric::Value;

std::string_view reason_phrase(unsigned status) noexcept {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 507:
            return "Insufficient Storage";
        default:
            return "";
    }
}

Response problem(unsigned status, std::string_view detail, const Request& request) {
    const Value body = Value::Map{{"type", "about:blank"},
                                  {"title", reason_phrase(status)},
                                  {"status", status},
                                  {"detail", detail},
                                  {"instance", request.id}};
    return Response::of(status, "application/problem+json", fabric::to_json(body));
}

unsigned status_of(BridgeError::Kind kind) noexcept {
    switch (kind) {
        case BridgeError::Kind::invalid:
            return 400;
        case BridgeError::Kind::not_granted:
            return 403;
        case BridgeError::Kind::too_large:
            return 413;
        case BridgeError::Kind::busy:
        case BridgeError::Kind::journal_away:
        case BridgeError::Kind::stopped:
            return 503;
        case BridgeError::Kind::disk_full:
            return 507;
        case BridgeError::Kind::not_acknowledged:
            return 504;
    }
    return 503;
}

Response problem(const BridgeError& error, const Request& request) {
    const unsigned status = status_of(error.kind);
    Response response = problem(status, error.sentence, request);
    if (status == 503 || status == 507) response.headers.set("Retry-After", "1");
    return response;
}

}  // namespace weft::gateway
