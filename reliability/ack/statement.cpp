#include "reliability/ack/statement.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "fabric/message/msgpack_write.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/ack/fields.hpp"

namespace weft::reliability {
namespace {

constexpr std::uint64_t positions = 8;
constexpr std::size_t also_bytes = 16 + 32 + 16 + 8;
constexpr std::string_view cut_mark = "\xE2\x80\xA6";  // …

std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "Position " + std::to_string(position) + " of the acknowledgement (" +
           std::string{name} + ") must be " + std::string{demand} + ".";
}

std::string escaped_byte(char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto number = static_cast<unsigned char>(byte);
    return {'\\', 'x', digits[number >> 4], digits[number & 15]};
}

bool read_level(fabric::MsgpackReader& reader, AckLevel& level) {
    std::uint64_t number = 0;
    if (!reader.uint(number) || number > 3) return false;
    level = static_cast<AckLevel>(number);
    return true;
}

bool read_reason(fabric::MsgpackReader& reader, std::string_view& reason) {
    return reader.str(reason) && reason.size() <= reason_bytes_max && fabric::is_utf8(reason);
}

bool read_id(fabric::MsgpackReader& reader, fabric::MessageId& id) {
    std::array<char, 16> bytes{};
    if (!read_bytes(reader, bytes)) return false;
    id = *fabric::MessageId::from_bytes({bytes.data(), bytes.size()});
    return true;
}

std::string read_subject(fabric::MsgpackReader& reader, AckSubject& subject) {
    if (!read_id(reader, subject.id)) return wrong_position(3, "message id", "16 bytes (bin)");
    if (!read_bytes(reader, subject.digest)) return wrong_position(4, "digest", "32 bytes (bin)");
    if (!read_bytes(reader, subject.publisher)) {
        return wrong_position(5, "publisher", "32 bytes (bin), the fingerprint of a certificate");
    }
    if (!read_bytes(reader, subject.nonce)) return wrong_position(6, "nonce", "16 bytes (bin)");
    if (!reader.uint(subject.epoch)) {
        return wrong_position(7, "epoch", "an integer of 0 to 2^64-1");
    }
    return "";
}

/// "" or the first position that is wrong.
std::string read_positions(fabric::MsgpackReader& reader, AckStatement& statement) {
    if (!read_name(reader, statement.recipient)) {
        return wrong_position(0, "recipient", "the name of a certificate (str)");
    }
    if (!read_level(reader, statement.level)) {
        return wrong_position(1, "level", "0 rejected, 1 received, 2 stored or 3 processed");
    }
    if (!read_reason(reader, statement.reason)) {
        return wrong_position(2, "reason", "UTF-8 text (str) of at most 1024 bytes");
    }
    return read_subject(reader, statement.subject);
}

bool read_also(fabric::MsgpackReader& reader, std::string_view& also) {
    return reader.bin(also) && also.size() % also_bytes == 0 &&
           also.size() / also_bytes <= also_max;
}

std::size_t size_of(const AckStatement& statement, std::string_view reason) {
    const AckSubject& subject = statement.subject;
    return fabric::msgpack_head_size(positions) +
           fabric::msgpack_str_size(statement.recipient.size()) + 1 +
           fabric::msgpack_str_size(reason.size()) + fabric::msgpack_bin_size(16) +
           fabric::msgpack_bin_size(subject.digest.size()) +
           fabric::msgpack_bin_size(subject.publisher.size()) +
           fabric::msgpack_bin_size(subject.nonce.size()) +
           fabric::msgpack_uint_size(subject.epoch) +
           (statement.also.empty() ? 0 : fabric::msgpack_bin_size(statement.also.size()));
}

}  // namespace

std::string fitting_reason(std::string_view reason) {
    // Where it is cut if it turns out to be too long: behind the last character that leaves room
    // for the mark.
    std::size_t cut = 0;
    std::string fitting;
    while (!reason.empty()) {
        std::size_t taken = 1;
        while (taken < reason.size() && taken < 4 && !fabric::is_utf8(reason.substr(0, taken))) {
            ++taken;
        }
        const std::string_view character = reason.substr(0, taken);
        const bool whole = fabric::is_utf8(character);
        if (!whole) taken = 1;
        const std::string shown = whole ? std::string{character} : escaped_byte(reason.front());
        if (fitting.size() + shown.size() > reason_bytes_max) {
            return fitting.substr(0, cut).append(cut_mark);
        }
        fitting += shown;
        if (fitting.size() + cut_mark.size() <= reason_bytes_max) cut = fitting.size();
        reason.remove_prefix(taken);
    }
    return fitting;
}

std::size_t AckStatement::also_count() const noexcept {
    return also.size() / also_bytes;
}

void append_also(const AckSubject& subject, std::string& also) {
    also += subject.id.bytes();
    also += signing::bytes_of(subject.digest);
    also.append(subject.nonce.data(), subject.nonce.size());
    for (int shift = 56; shift >= 0; shift -= 8) {
        also += static_cast<char>(subject.epoch >> shift & 0xFF);
    }
}

AckSubject also_subject(const AckStatement& statement, std::size_t i) {
    std::string_view bytes = statement.also.substr(i * also_bytes, also_bytes);
    AckSubject subject;
    subject.publisher = statement.subject.publisher;
    subject.id = *fabric::MessageId::from_bytes(bytes.substr(0, 16));
    bytes.remove_prefix(16);
    std::copy_n(bytes.begin(), subject.digest.size(), subject.digest.begin());
    bytes.remove_prefix(subject.digest.size());
    std::copy_n(bytes.begin(), subject.nonce.size(), subject.nonce.begin());
    bytes.remove_prefix(subject.nonce.size());
    for (const char byte : bytes)
        subject.epoch = subject.epoch << 8 | static_cast<unsigned char>(byte);
    return subject;
}

std::string encode_statement(const AckStatement& statement) {
    assert(signing::name_error(statement.recipient).empty());
    assert(statement.also.size() % also_bytes == 0 && statement.also_count() <= also_max);
    const std::string reason = fitting_reason(statement.reason);
    const AckSubject& subject = statement.subject;

    std::string bytes(size_of(statement, reason), '\0');
    fabric::MsgpackWriter writer{bytes.data()};
    writer.array_head(positions + (statement.also.empty() ? 0 : 1));
    writer.str(statement.recipient);
    writer.uint(static_cast<std::uint64_t>(statement.level));
    writer.str(reason);
    writer.bin(subject.id.bytes());
    writer.bin(signing::bytes_of(subject.digest));
    writer.bin(signing::bytes_of(subject.publisher));
    writer.bin({subject.nonce.data(), subject.nonce.size()});
    writer.uint(subject.epoch);
    if (!statement.also.empty()) writer.bin(statement.also);
    assert(writer.at() == bytes.data() + bytes.size());
    return bytes;
}

tl::expected<void, std::string> decode_statement(std::string_view body, AckStatement& statement) {
    fabric::MsgpackReader reader{body};
    std::uint64_t count = 0;
    std::string wrong;
    if (!reader.array_head(count) || count < positions) {
        wrong = "The acknowledgement must be a msgpack array of at least 8.";
    }
    if (wrong.empty()) wrong = read_positions(reader, statement);
    statement.also = {};
    std::uint64_t known = positions;
    if (wrong.empty() && count > positions) {
        ++known;
        if (!read_also(reader, statement.also)) {
            wrong = wrong_position(8, "also", "at most 1024 times 72 bytes (bin)");
        }
    }
    if (wrong.empty()) {
        wrong = end_error("The acknowledgement", body, reader.rest(), count, known);
    }
    if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
    return {};
}

}  // namespace weft::reliability
