#include "gateway/http/websocket_frames.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "config/utf8.hpp"

namespace weft::gateway {
namespace {

constexpr unsigned last_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0F, mask_bit = 0x80,
                   length_bits = 0x7F;
constexpr unsigned length_of_2 = 126, length_of_8 = 127;
constexpr std::size_t control_max = 125, reason_max = 123, mask_bytes = 4;

bool is_opcode(unsigned opcode) noexcept {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/// Whether a client may say it: those of the protocol that are for the wire, and those of others.
bool is_close_code(unsigned code) noexcept {
    if (code >= 3000) return code < 5000;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

/// `at`: how many bytes of the payload went before.
void unmask(char* bytes, std::size_t size, const unsigned char* mask, std::size_t at) noexcept {
    std::array<unsigned char, sizeof(std::uint64_t)> turned{};
    for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(at + i) % mask_bytes];
    std::uint64_t eight = 0;
    std::memcpy(&eight, turned.data(), sizeof eight);
    std::size_t done = 0;
    for (; done + sizeof eight <= size; done += sizeof eight) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + done, sizeof word);
        word ^= eight;
        std::memcpy(bytes + done, &word, sizeof word);
    }
    for (; done < size; ++done) {
        bytes[done] = static_cast<char>(static_cast<unsigned char>(bytes[done]) ^
                                        turned[done % turned.size()]);
    }
}

}  // namespace

void FrameReader::refuse(std::uint16_t code) noexcept {
    found_ = Found::refused;
    code_ = code;
}

std::size_t FrameReader::read(std::string_view bytes) {
    if (found_ == Found::refused || found_ == Found::close) return bytes.size();
    found_ = Found::nothing;
    const std::size_t all = bytes.size();
    while (!bytes.empty() && found_ == Found::nothing) {
        bytes.remove_prefix(in_payload_ ? read_payload(bytes) : read_head(bytes));
    }
    return all - bytes.size();
}

std::string FrameReader::take() {
    const bool is_message = found_ == Found::text || found_ == Found::binary;
    return std::exchange(is_message ? message_ : control_, {});
}

std::size_t FrameReader::head_size() const noexcept {
    if (head_bytes_ < 2) return 2;
    const unsigned length = head_[1] & length_bits;
    const std::size_t more = length == length_of_2 ? 2 : length == length_of_8 ? 8 : 0;
    return 2 + more + mask_bytes;
}

std::size_t FrameReader::read_head(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && head_bytes_ < head_size()) {
        const std::size_t part = std::min(bytes.size() - taken, head_size() - head_bytes_);
        std::memcpy(head_.data() + head_bytes_, bytes.data() + taken, part);
        head_bytes_ += part;
        taken += part;
        // What is wrong in the first two bytes is said before more of them comes.
        if (head_bytes_ == 2 && (head_[1] & mask_bit) == 0) {
            refuse(close_code::protocol);
            return taken;
        }
    }
    if (head_bytes_ == head_size()) on_head();
    return taken;
}

void FrameReader::on_head() {
    const unsigned first = head_[0];
    opcode_ = static_cast<std::uint8_t>(first & opcode_bits);
    is_last_ = (first & last_bit) != 0;
    left_ = head_[1] & length_bits;
    const std::size_t mask_begin = head_bytes_ - mask_bytes;
    if (mask_begin > 2) {
        const std::uint64_t least = left_ == length_of_2 ? length_of_2 : 0x10000;
        left_ = 0;
        for (std::size_t i = 2; i < mask_begin; ++i) left_ = left_ << 8U | head_[i];
        if (left_ < least) return refuse(close_code::protocol);
    }
    if ((first & reserved_bits) != 0 || !is_opcode(opcode_)) return refuse(close_code::protocol);
    if (is_control()) {
        if (!is_last_ || left_ > control_max) return refuse(close_code::protocol);
        control_.clear();
    } else {
        const bool goes_on = opcode_ == static_cast<std::uint8_t>(Opcode::more);
        if (goes_on != (message_opcode_ != 0)) return refuse(close_code::protocol);
        if (left_ > message_max_ - std::min(message_max_, message_.size())) {
            return refuse(close_code::too_big);
        }
        if (!goes_on) message_opcode_ = opcode_;
    }
    in_payload_ = true;
    mask_at_ = 0;
    if (left_ == 0) on_payload_end();
}

std::size_t FrameReader::read_payload(std::string_view bytes) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    std::string& into = payload();
    const std::size_t before = into.size();
    into += bytes.substr(0, taken);
    unmask(into.data() + before, taken, head_.data() + head_bytes_ - mask_bytes, mask_at_);
    mask_at_ += taken;
    left_ -= taken;
    if (left_ == 0) on_payload_end();
    return taken;
}

void FrameReader::on_payload_end() {
    in_payload_ = false;
    head_bytes_ = 0;
    switch (static_cast<Opcode>(opcode_)) {
        case Opcode::ping:
            found_ = Found::ping;
            return;
        case Opcode::pong:
            found_ = Found::pong;
            return;
        case Opcode::close:
            return on_close();
        case Opcode::more:
        case Opcode::text:
        case Opcode::binary:
            break;
    }
    if (!is_last_) return;
    const bool is_text =
        std::exchange(message_opcode_, 0) == static_cast<std::uint8_t>(Opcode::text);
    if (is_text && !config::is_utf8(message_)) return refuse(close_code::not_utf8);
    found_ = is_text ? Found::text : Found::binary;
}

void FrameReader::on_close() {
    code_ = close_code::none_sent;
    if (!control_.empty()) {
        if (control_.size() < 2) return refuse(close_code::protocol);
        code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(control_[0]) << 8U |
                                           static_cast<unsigned char>(control_[1]));
        if (!is_close_code(code_)) return refuse(close_code::protocol);
        if (!config::is_utf8(std::string_view{control_}.substr(2))) {
            return refuse(close_code::not_utf8);
        }
    }
    found_ = Found::close;
}

FrameHead::FrameHead(Opcode opcode, std::size_t payload) noexcept {
    bytes[size++] = static_cast<char>(last_bit | static_cast<unsigned>(opcode));
    unsigned shift = 0;
    if (payload < length_of_2) {
        bytes[size++] = static_cast<char>(payload);
    } else if (payload < 0x10000) {
        bytes[size++] = static_cast<char>(length_of_2);
        shift = 16;
    } else {
        bytes[size++] = static_cast<char>(length_of_8);
        shift = 64;
    }
    for (; shift > 0; shift -= 8) bytes[size++] = static_cast<char>(payload >> (shift - 8));
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code)};
    return payload.append(reason.substr(0, reason_max));
}

}  // namespace weft::gateway
