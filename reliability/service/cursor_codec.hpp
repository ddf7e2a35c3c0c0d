#pragma once
// What the operations of cursors and groups take and give, as msgpack fields: each write is the
// mirror of a read. Cursors and dead letters stand as their records do in the journal's state
// (cursor.hpp, group_record.hpp).
// Threads: pure functions. Errors: as in field_codec.hpp.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/message/msgpack_read.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/service/packer.hpp"

namespace weft::reliability {

/// What one request or answer holds at most, whatever was asked for.
inline constexpr std::size_t cursors_page_max = 1000, dead_page_max = 1000, answers_max = 10'000;

/// A cursor, how far it is behind, and how its group stands, if it is one.
struct CursorView {
    Cursor cursor;
    CursorLag lag;
    std::optional<ConsumerGroup::Stats> group;
};

/// [name (str), record (bin)].
void write_cursor(Packer& out, const Cursor& cursor);
[[nodiscard]] bool read_cursor(fabric::MsgpackReader& in, Cursor& cursor);
/// nil or [mode (0 shared, 1 keyed, 2 exclusive), lease in milliseconds, attempts].
void write_group_settings(Packer& out, const std::optional<GroupSettings>& settings);
[[nodiscard]] bool read_group_settings(fabric::MsgpackReader& in,
                                       std::optional<GroupSettings>& settings);
/// As people write it (str).
void write_start(Packer& out, const Start& start);
[[nodiscard]] bool read_start(fabric::MsgpackReader& in, Start& start);
/// The cursor; [messages, nil or microseconds, gap]; nil or the group's figures.
void write_view(Packer& out, const CursorView& view);
[[nodiscard]] bool read_view(fabric::MsgpackReader& in, CursorView& view);

/// nil or milliseconds; at most 2^53.
void write_duration(Packer& out, std::optional<std::chrono::milliseconds> duration);
[[nodiscard]] bool read_duration(fabric::MsgpackReader& in,
                                 std::optional<std::chrono::milliseconds>& duration);

/// Why (0 to 5), sentence (str), gap, array of [first, last, stored, topic, contents, proof, array
/// of [id, attempt, milliseconds]].
inline constexpr std::size_t next_fields = 4;
void write_next(Packer& out, const NextMessages& next);
/// `bytes` holds what is read: messages keep it, and are views into it.
[[nodiscard]] bool read_next(fabric::MsgpackReader& in, std::shared_ptr<const void> bytes,
                             NextMessages& next);
/// Array of [id, what (0 done, 1 late, 2 lost, 3 already, 4 unknown), sentence].
void write_answers(Packer& out, const std::vector<ConsumerGroup::Answer>& answers);
[[nodiscard]] bool read_answers(fabric::MsgpackReader& in,
                                std::vector<ConsumerGroup::Answer>& answers);
/// Array of [id, record (bin)].
void write_dead(Packer& out, const std::vector<DeadLetter>& letters);
[[nodiscard]] bool read_dead(fabric::MsgpackReader& in, std::vector<DeadLetter>& letters);

}  // namespace weft::reliability
