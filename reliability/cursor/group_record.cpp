#include "reliability/cursor/group_record.hpp"

#include <cassert>
#include <charconv>
#include <cstdio>
#include <limits>

#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/msgpack_write.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/ack/statement.hpp"
#include "signing/certificate.hpp"

namespace weft::reliability {
namespace {

constexpr std::uint64_t version = 1;
constexpr std::uint64_t head_positions = 5, dead_positions = 6;
constexpr std::size_t item_bytes = 10;
constexpr std::size_t digits = 16;

std::string hexadecimal(std::uint64_t number) {
    char text[digits + 1];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

/// True if an array of this version and of at least so many positions begins here.
bool read_start(fabric::MsgpackReader& reader, std::uint64_t positions) {
    std::uint64_t count = 0, found = 0;
    return reader.array_head(count) && count >= positions && reader.uint(found) && found == version;
}

}  // namespace

std::string group_prefix(std::string_view name) {
    return std::string{"group/"}.append(name) + "/";
}
std::string group_head_key(std::string_view name) {
    return group_prefix(name) + "head";
}
std::string group_chunk_key(std::string_view name, std::uint64_t chunk) {
    return group_prefix(name) + "p/" + hexadecimal(chunk);
}
std::string group_dead_key(std::string_view name, JournalId id) {
    return group_prefix(name) + "d/" + hexadecimal(id);
}

tl::expected<GroupKey, std::string> parse_group_key(std::string_view rest) {
    if (rest == "head") return GroupKey{GroupKey::Of::head, 0};
    GroupKey key{rest.starts_with("p/") ? GroupKey::Of::chunk : GroupKey::Of::dead, 0};
    const bool known = rest.starts_with("p/") || rest.starts_with("d/");
    if (known && rest.size() == 2 + digits) {
        const char* const end = rest.data() + rest.size();
        const auto [at, error] = std::from_chars(rest.data() + 2, end, key.number, 16);
        if (error == std::errc{} && at == end) return key;
    }
    return tl::make_unexpected("a group has no record '" + std::string{rest.substr(0, 40)} + "'");
}

std::string encode_group_head(const GroupHead& head) {
    std::string bytes(1 + head_positions * 9, '\0');
    fabric::MsgpackWriter writer{bytes.data()};
    writer.array_head(head_positions);
    for (const std::uint64_t number :
         {version, head.epoch, head.through, head.buried, head.dead_dropped}) {
        writer.uint(number);
    }
    bytes.resize(static_cast<std::size_t>(writer.at() - bytes.data()));
    return bytes;
}

tl::expected<GroupHead, std::string> decode_group_head(std::string_view bytes) {
    fabric::MsgpackReader reader{bytes};
    GroupHead head;
    if (read_start(reader, head_positions) && reader.uint(head.epoch) &&
        reader.uint(head.through) && reader.uint(head.buried) && reader.uint(head.dead_dropped)) {
        return head;
    }
    return tl::make_unexpected(std::string{"its head is not an array of five numbers"});
}

std::string encode_group_chunk(const std::vector<PendingItem>& items) {
    std::string bytes(items.size() * item_bytes, '\0');
    char* at = bytes.data();
    for (const PendingItem& item : items) {
        assert(item.id / group_chunk_ids == items.front().id / group_chunk_ids);
        *at++ = static_cast<char>(item.id % group_chunk_ids);
        *at++ = static_cast<char>(item.attempts);
        for (int shift = 56; shift >= 0; shift -= 8) *at++ = static_cast<char>(item.key >> shift);
    }
    return bytes;
}

tl::expected<std::vector<PendingItem>, std::string> decode_group_chunk(std::uint64_t chunk,
                                                                       std::string_view bytes) {
    const auto wrong = [&](const std::string& why) {
        return tl::make_unexpected("its messages " + std::to_string(chunk * group_chunk_ids) +
                                   " and following: " + why);
    };
    if (chunk > std::numeric_limits<std::uint64_t>::max() / group_chunk_ids) {
        return tl::make_unexpected(std::string{"there is no such chunk of ids"});
    }
    if (bytes.size() % item_bytes != 0 || bytes.size() / item_bytes > group_chunk_ids) {
        return wrong("at most 256 entries of 10 bytes must fill the record");
    }
    std::vector<PendingItem> items;
    for (std::size_t at = 0; at < bytes.size(); at += item_bytes) {
        const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[at + i]); };
        PendingItem item;
        item.id = chunk * group_chunk_ids + byte(0);
        item.attempts = byte(1);
        for (std::size_t i = 2; i < item_bytes; ++i) item.key = item.key << 8 | byte(i);
        if (item.id == 0 || (!items.empty() && items.back().id >= item.id)) {
            return wrong("ids must rise, from 1");
        }
        items.push_back(item);
    }
    return items;
}

std::string encode_dead_letter(const DeadLetter& letter) {
    std::string bytes(1 + 4 * 9 + fabric::msgpack_str_size(letter.member.size()) +
                          fabric::msgpack_str_size(letter.reason.size()),
                      '\0');
    fabric::MsgpackWriter writer{bytes.data()};
    writer.array_head(dead_positions);
    writer.uint(version);
    writer.uint(letter.attempts);
    writer.uint(letter.died_us);
    writer.uint(letter.key);
    writer.str(letter.member);
    writer.str(letter.reason);
    bytes.resize(static_cast<std::size_t>(writer.at() - bytes.data()));
    return bytes;
}

tl::expected<DeadLetter, std::string> decode_dead_letter(JournalId id, std::string_view bytes) {
    fabric::MsgpackReader reader{bytes};
    DeadLetter letter;
    letter.id = id;
    std::uint64_t attempts = 0;
    std::string_view member, reason;
    const bool read = read_start(reader, dead_positions) && reader.uint(attempts) &&
                      attempts <= 255 && reader.uint(letter.died_us) && reader.uint(letter.key) &&
                      reader.str(member) && reader.str(reason);
    if (id == 0 || !read || !signing::name_error(member).empty() ||
        reason.size() > reason_bytes_max || !fabric::is_utf8(reason)) {
        return tl::make_unexpected("its dead letter " + std::to_string(id) + " is not readable");
    }
    letter.attempts = static_cast<unsigned>(attempts);
    letter.member = member;
    letter.reason = reason;
    return letter;
}

}  // namespace weft::reliability
