#pragma once
// Tokens of HTTP clients. One is shown once, when it is made; only its hash is kept (H1):
//
//     wt_<id: 10 hexadecimal digits>_<secret: 64 of them>
//
// The id is public and finds the record; the hash is H("weft1.token", id, secret), see
// signing/digest.hpp. Threads: pure functions, but make_token(), which asks the kernel for bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/problem.hpp"
#include "fabric/message/topic.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway {

struct TokenRecord {
    std::string id;
    std::string name;                        ///< Whose it is: signing::name_error().
    std::string hash;                        ///< 64 hexadecimal digits.
    std::vector<std::string> publish, read;  ///< Globs as they were typed, maybe short.
    bool admin = false;
    std::string created;  ///< RFC 3339.
    friend bool operator==(const TokenRecord&, const TokenRecord&) = default;
};

struct NewToken {
    std::string text;    ///< The only time that anybody sees it.
    TokenRecord record;  ///< id and hash are set.
};
[[nodiscard]] NewToken make_token();

/// Its parts, views into `text`; nothing if it does not look like one.
struct TokenParts {
    std::string_view id, secret;
};
[[nodiscard]] std::optional<TokenParts> token_parts(std::string_view text) noexcept;
[[nodiscard]] std::string token_hash(const TokenParts& parts);

/// What the file `gateway.auth.tokens` says, as YAML: `tokens`, a list of maps with the members of
/// TokenRecord. Problems name file and line.
[[nodiscard]] std::vector<TokenRecord> read_tokens(std::string_view yaml, const std::string& file,
                                                   config::Problems& problems);
[[nodiscard]] std::string write_tokens(const std::vector<TokenRecord>& records);

/// What its holder may do; globs are completed. They must be good (read_tokens() has seen to it).
[[nodiscard]] Principal principal_of(const TokenRecord& record, const fabric::TopicSpace& space);

}  // namespace weft::gateway
