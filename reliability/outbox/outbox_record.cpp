#include "reliability/outbox/outbox_record.hpp"

#include <algorithm>
#include <cassert>

namespace weft::reliability {
namespace {

constexpr std::string_view mark = "WOX1";
constexpr std::size_t front_bytes = 8, sum_bytes = 8;
static_assert(front_bytes + sum_bytes == outbox_frame_bytes);
constexpr std::size_t id_bytes = 16;
constexpr std::size_t fixed_bytes = 1 + id_bytes + 8 + 8 + 32 + 1;
constexpr char is_message = 1, is_settled = 2;

void put_number(std::string& out, std::uint64_t number, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(number >> shift);
    }
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint64_t number = 0;
    for (std::size_t i = at; i < at + width; ++i) {
        number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return number;
}

std::string framed(std::string_view payload) {
    assert(payload.size() <= outbox_payload_bytes_max);
    std::string record;
    record.reserve(payload.size() + outbox_frame_bytes);
    record += mark;
    put_number(record, payload.size(), 4);
    record += payload;
    const signing::Digest sum = signing::TaggedHash("weft.outbox").add(record).finish();
    return record.append(signing::bytes_of(sum).substr(0, sum_bytes));
}

/// The payload of the record that `bytes` begins with.
std::optional<std::string_view> payload_of(std::string_view bytes) {
    if (bytes.size() < outbox_frame_bytes || !bytes.starts_with(mark)) return std::nullopt;
    const std::uint64_t length = number_at(bytes, mark.size(), 4);
    if (length > outbox_payload_bytes_max || bytes.size() - outbox_frame_bytes < length) {
        return std::nullopt;
    }
    const std::string_view summed = bytes.substr(0, front_bytes + length);
    const signing::Digest sum = signing::TaggedHash("weft.outbox").add(summed).finish();
    if (bytes.substr(summed.size(), sum_bytes) != signing::bytes_of(sum).substr(0, sum_bytes)) {
        return std::nullopt;
    }
    return summed.substr(front_bytes);
}

bool well_formed(std::string_view payload) {
    if (payload.empty()) return false;
    if (payload[0] == is_settled) return payload.size() == 1 + id_bytes;
    return payload[0] == is_message && payload.size() >= fixed_bytes &&
           payload.size() - fixed_bytes >= static_cast<std::uint8_t>(payload[fixed_bytes - 1]);
}

}  // namespace

std::string outbox_head() {
    std::string head = "weft outbox 1\n";
    head.resize(outbox_head_bytes, '\0');
    return head;
}

std::size_t outbox_bytes_of(std::string_view topic, std::string_view content) noexcept {
    return outbox_bytes_of(topic.size(), content.size());
}

std::size_t outbox_bytes_of(std::size_t topic_bytes, std::size_t content_bytes) noexcept {
    return outbox_frame_bytes + fixed_bytes + topic_bytes + content_bytes;
}

std::string encode_outbox_message(const OutboxMessage& message) {
    assert(message.topic.size() <= 255);
    std::string payload(1, is_message);
    payload += message.id.bytes();
    put_number(payload, message.epoch, 8);
    put_number(payload, message.seq, 8);
    payload += signing::bytes_of(message.digest);
    put_number(payload, message.topic.size(), 1);
    payload += message.topic;
    payload += message.content;
    return framed(payload);
}

std::string encode_outbox_settled(const fabric::MessageId& id) {
    return framed(std::string(1, is_settled).append(id.bytes()));
}

std::optional<OutboxRecord> read_outbox_record(std::string_view bytes) {
    const auto payload = payload_of(bytes);
    if (!payload || !well_formed(*payload)) return std::nullopt;
    return OutboxRecord{
        payload->front() == is_message ? OutboxRecord::Is::message : OutboxRecord::Is::settled,
        *fabric::MessageId::from_bytes(payload->substr(1, id_bytes)),
        payload->size() + outbox_frame_bytes};
}

std::optional<OutboxMessage> read_outbox_message(std::string_view bytes) {
    const auto payload = payload_of(bytes);
    if (!payload || !well_formed(*payload) || payload->front() != is_message) return std::nullopt;
    OutboxMessage message;
    message.id = *fabric::MessageId::from_bytes(payload->substr(1, id_bytes));
    message.epoch = number_at(*payload, 1 + id_bytes, 8);
    message.seq = number_at(*payload, 1 + id_bytes + 8, 8);
    const std::string_view digest = payload->substr(1 + id_bytes + 16, message.digest.size());
    std::copy(digest.begin(), digest.end(), message.digest.begin());
    const auto topic_bytes = static_cast<std::uint8_t>((*payload)[fixed_bytes - 1]);
    message.topic = payload->substr(fixed_bytes, topic_bytes);
    message.content = payload->substr(fixed_bytes + topic_bytes);
    return message;
}

std::size_t find_outbox_record(std::string_view bytes) {
    if (bytes.size() > outbox_frame_bytes) {
        const std::uint64_t next = number_at(bytes, mark.size(), 4) + outbox_frame_bytes;
        if (next < bytes.size() && read_outbox_record(bytes.substr(next))) return next;
    }
    for (std::size_t at = bytes.find(mark, 1); at != std::string_view::npos;
         at = bytes.find(mark, at + 1)) {
        if (read_outbox_record(bytes.substr(at))) return at;
    }
    return std::string_view::npos;
}

}  // namespace weft::reliability
