#pragma once
// Answers in the words that clients of esub know. Threads: pure functions.

#include <string_view>

#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/settings.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway::esub {

[[nodiscard]] Response text_answer(const Settings& settings, unsigned status,
                                   std::string_view text);

struct Words {
    unsigned status;
    std::string_view text;
};
/// "ok" is what a prep is told; a rep is told "OK".
[[nodiscard]] Words words_of(Verdict verdict) noexcept;

}  // namespace weft::gateway::esub
