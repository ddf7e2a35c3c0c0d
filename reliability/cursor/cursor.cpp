#include "reliability/cursor/cursor.hpp"

#include <array>
#include <cassert>
#include <utility>

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/msgpack_write.hpp"
#include "signing/certificate.hpp"

namespace weft::reliability {
namespace {

using Mode = GroupSettings::Mode;

constexpr std::uint64_t version = 1;
constexpr std::uint64_t positions = 11;
constexpr std::array<std::pair<Mode, std::string_view>, 3> modes{
    {{Mode::shared, "shared"}, {Mode::keyed, "keyed"}, {Mode::exclusive, "exclusive"}}};

std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "position " + std::to_string(position) + " of the cursor (" + std::string{name} +
           ") must be " + std::string{demand};
}

std::size_t size_of(const Cursor& cursor) {
    // Integers at their widest: a record is a few dozen bytes either way.
    std::size_t size = fabric::msgpack_head_size(positions) + positions * 9 +
                       fabric::msgpack_head_size(cursor.globs.size());
    for (const auto& glob : cursor.globs) size += fabric::msgpack_str_size(glob.text().size());
    return size;
}

/// "" or what is wrong.
std::string read_globs(fabric::MsgpackReader& reader, Cursor& cursor) {
    std::uint64_t count = 0;
    if (!reader.array_head(count) || count > Cursor::globs_max) {
        return wrong_position(10, "globs", "an array of at most 32 texts");
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string_view text;
        if (!reader.str(text)) return wrong_position(10, "globs", "texts (str)");
        auto glob = signing::TopicGlob::parse(text);
        if (!glob) return wrong_position(10, "globs", "globs over topics: " + glob.error());
        cursor.globs.push_back(std::move(*glob));
    }
    return "";
}

std::string read_group(fabric::MsgpackReader& reader, Cursor& cursor) {
    std::uint64_t mode = 0, lease = 0, attempts = 0;
    if (!reader.uint(mode) || mode > 3) return wrong_position(7, "mode", "0 to 3");
    if (!reader.uint(lease) || lease > std::uint64_t(GroupSettings::lease_max.count())) {
        return wrong_position(8, "lease", "milliseconds, at most a day");
    }
    if (!reader.uint(attempts) || attempts > GroupSettings::attempts_limit) {
        return wrong_position(9, "attempts", "at most 100");
    }
    if (mode != 0) {
        cursor.group = GroupSettings{static_cast<Mode>(mode - 1),
                                     std::chrono::milliseconds{static_cast<std::int64_t>(lease)},
                                     static_cast<unsigned>(attempts)};
    }
    return "";
}

}  // namespace

std::string_view name_of(Mode mode) noexcept {
    return modes[static_cast<std::size_t>(mode)].second;
}

std::optional<Mode> group_mode_named(std::string_view name) noexcept {
    for (const auto& [mode, known] : modes) {
        if (known == name) return mode;
    }
    return std::nullopt;
}

std::string cursor_error(const Cursor& cursor) {
    if (std::string wrong = signing::name_error(cursor.name); !wrong.empty()) return wrong;
    if (cursor.globs.size() > Cursor::globs_max) {
        return "a cursor has at most 32 globs, this one has " +
               std::to_string(cursor.globs.size()) + "; write wider ones";
    }
    if (!cursor.group) return "";
    if (cursor.group->lease.count() <= 0 || cursor.group->lease > GroupSettings::lease_max) {
        return "a lease is more than 0s and at most 24h";
    }
    if (cursor.group->max_attempts == 0 ||
        cursor.group->max_attempts > GroupSettings::attempts_limit) {
        return "a message gets 1 to 100 attempts";
    }
    return "";
}

std::string encode_cursor(const Cursor& cursor) {
    assert(cursor_error(cursor).empty());
    std::string bytes(size_of(cursor), '\0');
    fabric::MsgpackWriter writer{bytes.data()};
    writer.array_head(positions);
    writer.uint(version);
    writer.uint(cursor.position.epoch);
    writer.uint(cursor.position.id);
    writer.uint(cursor.created_us);
    writer.uint(cursor.moved_us);
    writer.uint(cursor.lost);
    writer.uint(cursor.gaps);
    writer.uint(cursor.group ? static_cast<std::uint64_t>(cursor.group->mode) + 1 : 0);
    writer.uint(cursor.group ? static_cast<std::uint64_t>(cursor.group->lease.count()) : 0);
    writer.uint(cursor.group ? cursor.group->max_attempts : 0);
    writer.array_head(cursor.globs.size());
    for (const auto& glob : cursor.globs) writer.str(glob.text());
    bytes.resize(static_cast<std::size_t>(writer.at() - bytes.data()));
    return bytes;
}

tl::expected<Cursor, std::string> decode_cursor(std::string_view name, std::string_view bytes) {
    fabric::MsgpackReader reader{bytes};
    Cursor cursor;
    cursor.name = name;
    std::uint64_t count = 0, found_version = 0;
    if (!reader.array_head(count) || count < positions) {
        return tl::make_unexpected(std::string{"a cursor is an array of 11"});
    }
    if (!reader.uint(found_version) || found_version != version) {
        return tl::make_unexpected(wrong_position(0, "version", "1"));
    }
    if (!reader.uint(cursor.position.epoch) || !reader.uint(cursor.position.id) ||
        !reader.uint(cursor.created_us) || !reader.uint(cursor.moved_us) ||
        !reader.uint(cursor.lost) || !reader.uint(cursor.gaps)) {
        return tl::make_unexpected(
            std::string{"positions 1 to 6 of the cursor must be integers of 0 to 2^64-1"});
    }
    std::string wrong = read_group(reader, cursor);
    if (wrong.empty()) wrong = read_globs(reader, cursor);
    if (wrong.empty()) wrong = cursor_error(cursor);
    if (wrong.empty() && count == positions && !reader.rest().empty()) {
        wrong = "after the cursor stand " + std::to_string(reader.rest().size()) + " bytes more";
    }
    if (wrong.empty() && count > positions) wrong = fabric::check_msgpack(bytes);
    if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
    return cursor;
}

}  // namespace weft::reliability
