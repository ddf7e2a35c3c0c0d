#include "fabric/message/message_id.hpp"

#include <pthread.h>

#include <atomic>
#include <cstring>

#include "signing/sodium.hpp"

namespace weft::fabric {
namespace {

/// Raised in the child after each fork, so that parent and child never share random bytes.
std::atomic<std::uint32_t> fork_count{0};

/// Random bytes by the page: one call of the generator per 400 ids.
class RandomPool {
public:
    void take(std::uint8_t* out, std::size_t count) {
        const std::uint32_t forks = fork_count.load(std::memory_order_relaxed);
        if (left_ < count || forks != forks_) {
            signing::random_bytes(reinterpret_cast<char*>(pool_.data()), pool_.size());
            left_ = pool_.size();
            forks_ = forks;
        }
        left_ -= count;
        std::memcpy(out, pool_.data() + left_, count);
    }

private:
    std::array<std::uint8_t, 4000> pool_{};
    std::size_t left_ = 0;
    std::uint32_t forks_ = 0;
};

const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1, std::memory_order_relaxed); });

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool dash_at(std::size_t position) {
    return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

MessageId MessageId::make(std::uint64_t unix_ms) {
    static_cast<void>(fork_handler);
    thread_local RandomPool pool;
    MessageId id;
    pool.take(id.bytes_.data() + 6, 10);
    for (std::size_t i = 0; i < 6; ++i) {
        id.bytes_[i] = static_cast<std::uint8_t>(unix_ms >> (40 - 8 * i));
    }
    id.bytes_[6] = static_cast<std::uint8_t>(0x70 | (id.bytes_[6] & 0x0F));  // version 7
    id.bytes_[8] = static_cast<std::uint8_t>(0x80 | (id.bytes_[8] & 0x3F));  // variant 10
    return id;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    MessageId id;
    std::size_t nibble = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (dash_at(i)) {
            if (text[i] != '-') return std::nullopt;
            continue;
        }
        const int value = hex_value(text[i]);
        if (value < 0) return std::nullopt;
        auto& byte = id.bytes_[nibble / 2];
        byte = static_cast<std::uint8_t>((byte << 4) | value);
        ++nibble;
    }
    return id;
}

std::optional<MessageId> MessageId::from_bytes(std::string_view bytes) {
    MessageId id;
    if (bytes.size() != id.bytes_.size()) return std::nullopt;
    std::memcpy(id.bytes_.data(), bytes.data(), bytes.size());
    return id;
}

std::string MessageId::text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (const std::uint8_t byte : bytes_) {
        if (dash_at(text.size())) text += '-';
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::uint64_t MessageId::unix_ms() const noexcept {
    std::uint64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | bytes_[i];
    return ms;
}

}  // namespace weft::fabric
