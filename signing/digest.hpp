#pragma once
// H(t, x) of suite 1: SHA-256 of the ASCII tag t, zero-padded to 16 bytes, then x.
// Bytes are std::string_view throughout weft: they come from and go to frames, files and strings.
// Threads: every function may be called from any thread; contexts are per thread.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft::signing {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] inline std::string_view bytes_of(const Digest& digest) noexcept {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// Hashes a few pieces under one tag. Use it once: add(), add() …, finish().
/// Not movable: it borrows the calling thread's hash context until finish(), so at most one is open
/// at a time in a thread (asserted). message_digest() may be called meanwhile.
class TaggedHash {
public:
    explicit TaggedHash(std::string_view tag);  ///< At most 16 bytes of tag (asserted).
    ~TaggedHash();
    TaggedHash(const TaggedHash&) = delete;
    TaggedHash& operator=(const TaggedHash&) = delete;

    TaggedHash& add(std::string_view bytes);
    TaggedHash& add_u8(std::uint8_t number);
    TaggedHash& add_u16(std::uint16_t number);  ///< Big-endian, as all integers of suite 1.
    TaggedHash& add_u32(std::uint32_t number);
    TaggedHash& add_prefixed(std::string_view bytes);  ///< lp(x): u32 length, then the bytes.
    [[nodiscard]] Digest finish();

private:
    void put(const void* bytes, std::size_t count);

    // Each call into libcrypto costs about as much as hashing a block, and what is hashed here is
    // short: pieces gather until they fill this.
    std::array<char, 256> gathered_;
    std::size_t count_ = 0;
    bool open_ = true;
};

/// M of suite 1: the digest of one message over its topic and content exactly as sent.
[[nodiscard]] Digest message_digest(std::string_view topic, std::string_view content);

/// Lower-case hexadecimal, for people and tests.
[[nodiscard]] std::string hex(std::string_view bytes);

}  // namespace weft::signing
