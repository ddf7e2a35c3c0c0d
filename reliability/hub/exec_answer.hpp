#pragma once
// What an executable answers to a message, one line:
//
//     ok                   done
//     retry REASON         show it again later
//     drop REASON          never: a dead letter at once
//     {"topic": …}         publish this, then it is done
//     [{…}, {…}]           publish these in this order, then it is done
//
// A message to publish has "topic" (may be short), "body" (any JSON value) and, where wanted,
// "content_type" (then the body is a string, whose bytes are published as they are), "headers" (an
// object of strings) and "durable" (true: once a journal has it on its disk).
// Threads: pure functions. Limits: answer_bytes_max (the reader's), answer_messages_max.

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace weft::reliability::hub {

inline constexpr std::size_t answer_bytes_max = std::size_t{8} << 20;
inline constexpr std::size_t answer_messages_max = 10'000;

struct AnswerOk {
    friend bool operator==(const AnswerOk&, const AnswerOk&) = default;
};
/// Reasons fit into a log line: escaped, at most 1,000 bytes of what was written.
struct AnswerRetry {
    std::string reason;
    friend bool operator==(const AnswerRetry&, const AnswerRetry&) = default;
};
struct AnswerDrop {
    std::string reason;
    friend bool operator==(const AnswerDrop&, const AnswerDrop&) = default;
};
struct AnswerMessage {
    std::string topic, body, content_type;
    std::vector<std::pair<std::string, std::string>> headers;
    bool durable = false;
    friend bool operator==(const AnswerMessage&, const AnswerMessage&) = default;
};
using AnswerPublish = std::vector<AnswerMessage>;
using ExecAnswer = std::variant<AnswerOk, AnswerRetry, AnswerDrop, AnswerPublish>;

/// `line` has no line break. Spaces around the answer count for nothing. The error begins with a
/// verb, "answered 'foo', which is …"; at most 100 bytes of the line are in it, escaped.
[[nodiscard]] tl::expected<ExecAnswer, std::string> parse_answer(std::string_view line);

}  // namespace weft::reliability::hub
