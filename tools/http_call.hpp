#pragma once
// One HTTP request of a command to a gateway, and its answer. The only place of tools that knows
// libcurl. Threads: any. Limits: 30 s, an answer of 16 MiB. Errors: failure() with a sentence that
// says what to look at; an answer of any status is none.

#include <string>

namespace weft::tools {

struct HttpCall {
    std::string method = "GET";
    std::string url;
    std::string body{};   ///< JSON; "": none.
    std::string token{};  ///< "": none.
};
struct HttpReply {
    long status = 0;
    std::string body;
};

[[nodiscard]] HttpReply http_call(const HttpCall& call);
/// As a part of a path.
[[nodiscard]] std::string url_part(const std::string& text);

}  // namespace weft::tools
