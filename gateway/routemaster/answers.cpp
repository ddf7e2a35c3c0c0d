#include "gateway/routemaster/answers.hpp"

#include <utility>

#include "gateway/problem.hpp"

namespace weft::gateway::routemaster {

Response empty(unsigned status) {
    Response response;
    response.status = status;
    return response;
}

Response json_answer(unsigned status, std::string json) {
    return Response::of(status, "application/json", std::move(json));
}

Response error(unsigned status, std::string_view sentence) {
    return Response::of(status, "text/plain; charset=utf-8", std::string{sentence} + "\n");
}

Response away(std::string_view sentence) {
    Response response = error(503, sentence);
    response.headers.set("Retry-After", "2");
    return response;
}

Response who_are_you(std::string_view sentence) {
    Response response = error(401, sentence);
    response.headers.set("WWW-Authenticate", R"(Basic realm="routemaster")");
    return response;
}

Response wrong_method(std::string allow) {
    Response response = error(405, "this path takes " + allow);
    response.headers.set("Allow", std::move(allow));
    return response;
}

Response failed(const BridgeError& why) {
    const PublicError told = public_error(why, "topic");
    Response response = error(told.status, told.sentence);
    if (told.retry_after != nullptr) response.headers.set("Retry-After", told.retry_after);
    return response;
}

Response failed(const delivery::EngineError& why) {
    using Kind = delivery::EngineError::Kind;
    switch (why.kind) {
        case Kind::invalid:
        case Kind::refused_url:
            return error(400, why.sentence);
        case Kind::not_found:
            return error(404, "there is no subscription");
        case Kind::full:
            return away(why.sentence);
        case Kind::stopped:
            return away("the gateway stops; try again");
        case Kind::journal_away:
            break;
    }
    return away("the event store does not answer; try again later");
}

}  // namespace weft::gateway::routemaster
