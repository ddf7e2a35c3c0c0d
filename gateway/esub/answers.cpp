#include "gateway/esub/answers.hpp"

#include <string>

namespace weft::gateway::esub {

Response text_answer(const Settings& settings, unsigned status, std::string_view text) {
    Response response = Response::of(status, "text/plain; charset=utf-8", std::string{text});
    response.close = settings.close_connections;
    return response;
}

Words words_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::delivered:
            return {200, "ok"};
        case Verdict::unknown_key:
            return {404, "Unknown key"};
        case Verdict::wrong_token:
            return {403, "Invalid token"};
        case Verdict::no_listeners:
            return {404, "No listeners remain"};
        case Verdict::no_answer:
            return {504, "Owner did not answer"};
    }
    return {500, "Unknown verdict"};
}

}  // namespace weft::gateway::esub
