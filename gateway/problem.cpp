#include "gateway/problem.hpp"

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::gateway {

using fabric::Value;

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

PublicError public_error(const BridgeError& error, std::string_view place) {
    static constexpr const char *soon = "2", *later = "30";
    switch (error.kind) {
        case BridgeError::Kind::invalid:
        case BridgeError::Kind::too_large:
            return {status_of(error.kind), error.sentence};
        case BridgeError::Kind::not_granted:
            return {403, "this gateway may not publish to this " + std::string{place} + ": " +
                             error.sentence};
        case BridgeError::Kind::disk_full:
            return {507, "the disk is full: nothing was stored; try again later", later};
        case BridgeError::Kind::busy:
            return {503, "too much is under way; try again later", soon};
        case BridgeError::Kind::stopped:
            return {503, "the gateway stops; try again", soon};
        case BridgeError::Kind::journal_away:
        case BridgeError::Kind::not_acknowledged:
            break;
    }
    return {503, "the event store does not answer; try again later", soon};
}

}  // namespace weft::gateway
