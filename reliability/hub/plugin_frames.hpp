#pragma once
// What the hub and the process of an isolated plugin say to each other over a stream socket.
//
//   frame: u32 length, big-endian, at most frame_bytes_max | one msgpack array that fills it
//   array: [kind, field, ...]; kinds and fields as the structs below, in their order
//
//   hub     ──► process   Start, once, first; Deliver, one at a time; Answer; Stop, last
//   process ──► hub       Started or Failed, once, first; Publish; Log; Judged, one a Deliver
//
// Both ends are of one build, so there is no version in it. The process is not trusted: whatever
// does not read is an error, after which the hub kills it.
//
// Threads:   values. Ownership: what is decoded are views into the payload.
// Errors:    sentences.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace weft::reliability::hub::frames {

/// A message's content is at most 4 MiB, and what surrounds it much less.
inline constexpr std::size_t frame_bytes_max = std::size_t{9} * 1'000'000;

struct Start {
    std::string_view plugin, consumer, hub, settings_json;
};
struct Deliver {
    std::uint64_t number = 0;  ///< Counts from 1 in one process.
    std::string_view topic, content;
    std::string_view certificate;  ///< "" if nobody signed.
    bool verified = false, replayed = false;
    std::optional<std::uint64_t> journal_id{};
    std::uint64_t attempt = 0;
};
struct Answer {
    std::uint64_t number = 0;  ///< Of the Publish.
    bool published = false;
    std::string_view text;  ///< The id's 16 bytes, or why not.
};
struct Stop {};

struct Started {};
struct Failed {
    std::string_view text;
};
struct Publish {
    std::uint64_t number = 0;
    std::string_view topic, body, content_type;
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
    bool durable = false;
    bool caused = false;  ///< Its parent is the message that was delivered last.
};
struct Log {
    std::uint64_t level = 0;  ///< As in Surroundings::Level.
    std::string_view line;
};
struct Judged {
    std::uint64_t number = 0;  ///< Of the Deliver.
    std::uint64_t is = 0;      ///< As in Verdict::Is; never `left`.
    std::string_view reason;
};

using ToProcess = std::variant<Start, Deliver, Answer, Stop>;
using ToHub = std::variant<Started, Failed, Publish, Log, Judged>;

/// With its length in front; nothing if it would be longer than a frame may be.
[[nodiscard]] std::optional<std::string> encode(const ToProcess& said);
[[nodiscard]] std::optional<std::string> encode(const ToHub& said);
[[nodiscard]] tl::expected<ToProcess, std::string> decode_to_process(std::string_view payload);
[[nodiscard]] tl::expected<ToHub, std::string> decode_to_hub(std::string_view payload);

/// Cuts what arrives into frames. Keeps at most one frame and what one read brought.
class Reader {
public:
    void take(std::string_view bytes) { bytes_.append(bytes); }
    /// The next payload, whole; nothing if more must arrive.
    [[nodiscard]] tl::expected<std::optional<std::string>, std::string> next();

private:
    std::string bytes_;
    std::size_t read_ = 0;  ///< What stands before it was given out.
};

}  // namespace weft::reliability::hub::frames
