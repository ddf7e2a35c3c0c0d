#pragma once
// A message's identity: a UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then 74
// random bits. It stands inside the signed content, so a digest tells nothing about a neighbour's
// text. Threads: make() from any thread; also safe in a child after fork().

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weft::fabric {

class MessageId {
public:
    MessageId() = default;  ///< All zero: "none".

    /// A new id; `unix_ms` is its first 48 bits.
    [[nodiscard]] static MessageId make(std::uint64_t unix_ms);
    /// 36 characters with dashes, either case. Any version of UUID is accepted: ids may come from
    /// other systems.
    [[nodiscard]] static std::optional<MessageId> parse(std::string_view text);
    /// Exactly 16 bytes.
    [[nodiscard]] static std::optional<MessageId> from_bytes(std::string_view bytes);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string_view bytes() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }
    [[nodiscard]] std::uint64_t unix_ms() const noexcept;
    [[nodiscard]] bool is_none() const noexcept { return *this == MessageId{}; }

    friend bool operator==(const MessageId&, const MessageId&) = default;
    friend auto operator<=>(const MessageId&, const MessageId&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace weft::fabric

template <>
struct std::hash<weft::fabric::MessageId> {
    std::size_t operator()(const weft::fabric::MessageId& id) const noexcept {
        return std::hash<std::string_view>{}(id.bytes());
    }
};
