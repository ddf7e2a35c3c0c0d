#pragma once
// The one JSON form of a message, the same in the command line, HTTP and executables:
// id, journal_id, topic, time (RFC 3339, microseconds, UTC), source, signer, verified, seq, parent,
// content_type, headers, body. journal_id, signer and parent are null where there is none.
// body is a JSON value if the message's body is one (msgpack is translated; JSON text is kept
// digit by digit, without its white space), else text if it is UTF-8, else {"base64": "…"}. A body
// whose content type is text/… (but not text/json) is text, so that a line "42" stays one.
// Where a foreign publisher repeats the name of a header, the last one counts.
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "fabric/message/message.hpp"
#include "fabric/message/value.hpp"

namespace weft::fabric {

/// One line, no newline at its end. Always valid JSON in valid UTF-8. Without `journal_id` it is
/// the message's own.
[[nodiscard]] std::string to_json(const Message& message,
                                  std::optional<std::uint64_t> journal_id = std::nullopt);
/// The body alone, by the same rules.
[[nodiscard]] std::string body_to_json(const Message& message);
/// A value as JSON text. NaN and infinities become null; binary becomes {"base64": "…"}; a double
/// stays one ("1.0").
[[nodiscard]] std::string to_json(const Value& value);
/// A JSON string with quotes; bytes that are not UTF-8 become U+FFFD. Control characters, DEL and
/// C1 too, U+2028 and U+2029 are escaped: no reader sees a second line in it.
[[nodiscard]] std::string json_string(std::string_view text);

/// True for text/… except text/json: such a body is never read as JSON.
[[nodiscard]] bool declares_plain_text(std::string_view content_type) noexcept;

/// Microseconds since 1970 as "2026-11-21T02:43:29.000000Z". What lies beyond the year 9999 becomes
/// the last microsecond of it: RFC 3339 has no more digits.
[[nodiscard]] std::string rfc3339(std::uint64_t time_us);

/// Checks that `text` is one JSON value in UTF-8, at most `depth_max` deep, and returns it without
/// white space outside of strings. The error names what and where. Numbers keep every digit;
/// repeated keys are kept as they stand. A number or text alone has depth 0, [] has depth 1. An
/// escape of half a surrogate pair is refused: it stands for no text.
[[nodiscard]] tl::expected<std::string, std::string> compact_json(std::string_view text,
                                                                  std::size_t depth_max = 32);
/// The same text as a Value; integers below -2^63 or above 2^64-1 become doubles. A number beyond
/// every double, such as 1e400, is an error. At most 32 deep.
[[nodiscard]] tl::expected<Value, std::string> from_json(std::string_view text);

/// `--query a.b.0`: the part of a JSON value at this path as JSON text, or nothing if it is absent
/// or `json` is not JSON. Steps are keys of objects (the last one where a key is repeated) and
/// indexes of lists, from 0; an empty path is the whole value. A key with a dot in it cannot be
/// named.
[[nodiscard]] std::optional<std::string> query_json(std::string_view json, std::string_view path);

}  // namespace weft::fabric
