#pragma once
// WebSocket frames (RFC 6455), the server's side: reads what clients send, strictly, and makes the
// heads of what they get. No extensions. Nothing is allocated by a length that the client only
// declares. Pure: no socket, no clock. Threads: one a reader.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft::gateway {

enum class Opcode : std::uint8_t {
    more = 0,  ///< Goes on with the message of the frame before.
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10,
};

namespace close_code {
constexpr std::uint16_t normal = 1000, going_away = 1001, protocol = 1002, none_sent = 1005,
                        lost = 1006, not_utf8 = 1007, policy = 1008, too_big = 1009, fault = 1011;
}  // namespace close_code

class FrameReader {
public:
    enum class Found {
        nothing,  ///< More bytes are needed.
        text,     ///< A whole message; take() has it.
        binary,
        ping,  ///< take() has what is to be sent back.
        pong,
        close,    ///< code() is the client's, `none_sent` if it gave none. Nothing more is read.
        refused,  ///< code() says with which the connection must end. Nothing more is read.
    };

    /// A message of more than `message_max` bytes is refused.
    explicit FrameReader(std::size_t message_max) : message_max_(message_max) {}

    /// Reads up to the end of the next thing that is found, and returns how many bytes it took.
    std::size_t read(std::string_view bytes);
    [[nodiscard]] Found found() const noexcept { return found_; }
    [[nodiscard]] std::uint16_t code() const noexcept { return code_; }
    /// Once, before the next read().
    [[nodiscard]] std::string take();

private:
    std::size_t read_head(std::string_view bytes);
    std::size_t read_payload(std::string_view bytes);
    void on_head();
    void on_payload_end();
    void on_close();
    void refuse(std::uint16_t code) noexcept;
    [[nodiscard]] std::size_t head_size() const noexcept;
    [[nodiscard]] bool is_control() const noexcept { return (opcode_ & 8U) != 0; }
    [[nodiscard]] std::string& payload() noexcept { return is_control() ? control_ : message_; }

    const std::size_t message_max_;
    std::array<unsigned char, 14> head_{};  ///< Two bytes, at most eight of length, four of mask.
    std::size_t head_bytes_ = 0;
    bool in_payload_ = false;
    std::uint8_t opcode_ = 0;
    bool is_last_ = true;
    std::uint64_t left_ = 0;  ///< Of the payload of this frame.
    std::size_t mask_at_ = 0;
    std::uint8_t message_opcode_ = 0;  ///< Of the message that goes on; 0: none does.
    std::string message_, control_;
    Found found_ = Found::nothing;
    std::uint16_t code_ = 0;
};

/// The head of one whole frame of the server, in front of `size` bytes.
struct FrameHead {
    FrameHead(Opcode opcode, std::size_t size) noexcept;
    std::array<char, 10> bytes{};
    std::size_t size = 0;
};
/// The payload of a close frame; a reason has room for 123 bytes.
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);

}  // namespace weft::gateway
