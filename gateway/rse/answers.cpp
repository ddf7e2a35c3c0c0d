#include "gateway/rse/answers.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"

namespace weft::gateway::rse {

Response error(unsigned status, std::string_view message) {
    return Response::of(status, json_type, R"({"message":)" + fabric::json_string(message) + "}");
}

Response away(std::string_view message) {
    Response response = error(503, message);
    response.headers.set("Retry-After", "2");
    return response;
}

Response wrong_method(std::string_view method, std::string allow) {
    Response response = error(405, method);
    response.headers.set("Allow", std::move(allow));
    return response;
}

Response unknown_token() {
    Response response = error(401, "");
    response.headers.set("WWW-Authenticate", R"(Token realm="weft")");
    return response;
}

Response failed(const BridgeError& why) {
    switch (why.kind) {
        case BridgeError::Kind::invalid:
            return error(400, why.sentence);
        case BridgeError::Kind::not_granted:
            return error(403, "This gateway may not publish to this channel: " + why.sentence);
        case BridgeError::Kind::too_large:
            return error(413, why.sentence);
        case BridgeError::Kind::disk_full: {
            Response response = error(507, "The disk is full: nothing was stored; try again later");
            response.headers.set("Retry-After", "30");
            return response;
        }
        case BridgeError::Kind::busy:
            return away("Too much is under way; try again later");
        case BridgeError::Kind::stopped:
            return away("The gateway stops; try again");
        case BridgeError::Kind::journal_away:
        case BridgeError::Kind::not_acknowledged:
            break;
    }
    return away("The event store does not answer; try again later");
}

Response script(std::string_view callback, std::string_view json) {
    Response response =
        Response::of(200, "text/javascript; charset=utf-8", with_callback(callback, json));
    response.headers.set("X-Content-Type-Options", "nosniff");
    return response;
}

}  // namespace weft::gateway::rse
