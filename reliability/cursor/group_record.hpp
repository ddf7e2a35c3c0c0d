#pragma once
// How a consumer group stands in the journal's state, below "group/<name>/":
//
//   head        msgpack array of 5: version 1 | epoch | through | buried | dead letters dropped
//   p/<chunk>   messages up to `through` that are not done, of 256 neighbouring ids: the number of
//               the chunk is id / 256, in 16 hexadecimal digits. Entries by rising ids, each
//               u8 id % 256 | u8 attempts | u64 key, big-endian
//   d/<id>      a dead letter, the id in 16 hexadecimal digits: msgpack array of 6: version 1 |
//               attempts | died (microseconds since 1970 UTC) | key | member | reason
//
// What is up to `through` and in no chunk is done. So an acknowledgement writes one small chunk and
// the head, however many messages are out. Threads: values and pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/journal/position.hpp"

namespace weft::reliability {

/// A message that nobody could process.
struct DeadLetter {
    JournalId id = 0;
    unsigned attempts = 0;
    std::string member;  ///< Who had it last.
    std::string reason;  ///< At most reason_bytes_max.
    std::uint64_t died_us = 0;
    std::uint64_t key = 0;  ///< As its group knows it.
    friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
};

struct GroupHead {
    JournalEpoch epoch = 0;
    JournalId through = 0;
    std::uint64_t buried = 0, dead_dropped = 0;
    friend bool operator==(const GroupHead&, const GroupHead&) = default;
};

struct PendingItem {
    JournalId id = 0;
    std::uint8_t attempts = 0;
    std::uint64_t key = 0;
    friend bool operator==(const PendingItem&, const PendingItem&) = default;
};

inline constexpr std::uint64_t group_chunk_ids = 256;

[[nodiscard]] std::string group_prefix(std::string_view name);
[[nodiscard]] std::string group_head_key(std::string_view name);
[[nodiscard]] std::string group_chunk_key(std::string_view name, std::uint64_t chunk);
[[nodiscard]] std::string group_dead_key(std::string_view name, JournalId id);

[[nodiscard]] std::string encode_group_head(const GroupHead& head);
[[nodiscard]] tl::expected<GroupHead, std::string> decode_group_head(std::string_view bytes);
/// All of one chunk (asserted), by rising ids.
[[nodiscard]] std::string encode_group_chunk(const std::vector<PendingItem>& items);
[[nodiscard]] tl::expected<std::vector<PendingItem>, std::string> decode_group_chunk(
    std::uint64_t chunk, std::string_view bytes);
[[nodiscard]] std::string encode_dead_letter(const DeadLetter& letter);
[[nodiscard]] tl::expected<DeadLetter, std::string> decode_dead_letter(JournalId id,
                                                                       std::string_view bytes);

/// What a key below group_prefix() is about.
struct GroupKey {
    enum class Of { head, chunk, dead } of;
    std::uint64_t number = 0;
};
/// `rest` is what follows the prefix.
[[nodiscard]] tl::expected<GroupKey, std::string> parse_group_key(std::string_view rest);

}  // namespace weft::reliability
