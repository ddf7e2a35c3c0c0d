#pragma once
// What operations take and give, as msgpack fields: positions, filters, limits, pages, what a
// journal says about itself. Each write is the mirror of a read.
// Threads: pure functions. Ownership: texts that were read are views.
// Errors:  reads return false where the fields are not as they must be; nothing is reserved by a
//          declared number that the bytes do not hold.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/msgpack_read.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/service/packer.hpp"

namespace weft::reliability {

/// What one answer holds at most, whatever was asked for.
inline constexpr std::uint64_t page_messages_max = 10'000;
inline constexpr std::size_t page_bytes_max = std::size_t{1} << 20;
inline constexpr std::uint64_t page_runs_scanned_max = 65'536;
inline constexpr std::size_t filter_globs_max = 256;

inline constexpr std::size_t position_fields = 2, limits_fields = 4, info_fields = 8,
                             page_fields = 6;

void write_position(Packer& out, const Position& position);
[[nodiscard]] bool read_position(fabric::MsgpackReader& in, Position& position);
/// nil or [from, to, lost or nil].
void write_gap(Packer& out, const std::optional<JournalGap>& gap);
[[nodiscard]] bool read_gap(fabric::MsgpackReader& in, std::optional<JournalGap>& gap);
/// nil: everything; else an array of globs (str).
void write_filter(Packer& out, const TopicFilter& filter);
[[nodiscard]] bool read_filter(fabric::MsgpackReader& in, TopicFilter& filter);
void write_limits(Packer& out, const ReadLimits& limits);
/// Cut to what one answer holds.
[[nodiscard]] bool read_limits(fabric::MsgpackReader& in, ReadLimits& limits);

[[nodiscard]] bool read_message_id(fabric::MsgpackReader& in, fabric::MessageId& id);

void write_info(Packer& out, const JournalInfo& info);
[[nodiscard]] bool read_info(fabric::MsgpackReader& in, JournalInfo& info);

/// next (epoch, id), head, at head (0, 1), nil or [from, to, lost or nil], an array of
/// [first, last, from, to, stored, topic, contents, proof].
void write_page(Packer& out, const Page& page);
/// Views into what is read; the caller sets `bytes`. False, too, for ids that no journal gives.
[[nodiscard]] bool read_page(fabric::MsgpackReader& in, Page& page);

void write_ids(Packer& out, const std::vector<JournalId>& ids);
[[nodiscard]] bool read_ids(fabric::MsgpackReader& in, std::vector<JournalId>& ids);

}  // namespace weft::reliability
