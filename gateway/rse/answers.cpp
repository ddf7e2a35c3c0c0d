#include "gateway/rse/answers.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/problem.hpp"
#include "gateway/rse/event.hpp"

namespace weft::gateway::rse {
namespace {

/// RSE's own messages begin with a capital letter.
std::string as_a_sentence(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
        text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    return text;
}

}  // namespace

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
    PublicError told = public_error(why, "channel");
    Response response = error(told.status, as_a_sentence(std::move(told.sentence)));
    if (told.retry_after != nullptr) response.headers.set("Retry-After", told.retry_after);
    return response;
}

Response script(std::string_view callback, std::string_view json) {
    Response response =
        Response::of(200, "text/javascript; charset=utf-8", with_callback(callback, json));
    response.headers.set("X-Content-Type-Options", "nosniff");
    return response;
}

}  // namespace weft::gateway::rse
