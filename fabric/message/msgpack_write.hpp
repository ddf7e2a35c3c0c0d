#pragma once
// Writes the few msgpack elements that our own formats are made of, each with the smallest header
// that msgpack has for it, as any msgpack library would.
// Threads: values. Ownership: the caller claims the room first, with the sizes below; nothing is
//          checked or allocated here.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weft::fabric {

[[nodiscard]] constexpr std::size_t msgpack_uint_size(std::uint64_t number) noexcept {
    if (number < 0x80) return 1;
    if (number < 0x100) return 2;
    if (number < 0x10000) return 3;
    return number < 0x1'0000'0000 ? 5 : 9;
}
[[nodiscard]] constexpr std::size_t msgpack_str_size(std::size_t bytes) noexcept {
    if (bytes < 32) return 1 + bytes;
    if (bytes < 0x100) return 2 + bytes;
    return bytes < 0x10000 ? 3 + bytes : 5 + bytes;
}
[[nodiscard]] constexpr std::size_t msgpack_bin_size(std::size_t bytes) noexcept {
    if (bytes < 0x100) return 2 + bytes;
    return bytes < 0x10000 ? 3 + bytes : 5 + bytes;
}
/// Of an array or a map, for fewer than 65,536 entries.
[[nodiscard]] constexpr std::size_t msgpack_head_size(std::size_t entries) noexcept {
    return entries < 16 ? 1 : 3;
}

class MsgpackWriter {
public:
    explicit MsgpackWriter(char* out) : out_(out) {}

    /// Where the next byte goes.
    [[nodiscard]] char* at() const noexcept { return out_; }

    void u8(std::size_t number) { *out_++ = static_cast<char>(static_cast<std::uint8_t>(number)); }
    void nil() { u8(0xC0); }
    void uint(std::uint64_t number) {
        if (number < 0x80) {
            u8(number);
        } else if (number < 0x100) {
            u8(0xCC), u8(number);
        } else if (number < 0x10000) {
            u8(0xCD), u16(number);
        } else if (number < 0x1'0000'0000) {
            u8(0xCE), u32(number);
        } else {
            full_uint(number);
        }
    }
    /// 9 bytes, whatever the number.
    void full_uint(std::uint64_t number) {
        u8(0xCF);
        for (int shift = 56; shift >= 0; shift -= 8) u8(number >> shift);
    }
    /// Bytes as they are.
    void raw(std::string_view bytes) {
        // memcpy from nullptr is undefined even for no bytes.
        if (!bytes.empty()) std::memcpy(out_, bytes.data(), bytes.size());
        out_ += bytes.size();
    }
    void str(std::string_view text) {
        if (text.size() < 32) {
            u8(0xA0 | text.size());
        } else if (text.size() < 0x100) {
            u8(0xD9), u8(text.size());
        } else if (text.size() < 0x10000) {
            u8(0xDA), u16(text.size());
        } else {
            u8(0xDB), u32(text.size());
        }
        raw(text);
    }
    void bin(std::string_view bytes) {
        if (bytes.size() < 0x100) {
            u8(0xC4), u8(bytes.size());
        } else if (bytes.size() < 0x10000) {
            u8(0xC5), u16(bytes.size());
        } else {
            u8(0xC6), u32(bytes.size());
        }
        raw(bytes);
    }
    void array_head(std::size_t entries) { head(0x90, 0xDC, entries); }
    void map_head(std::size_t entries) { head(0x80, 0xDE, entries); }

private:
    void u16(std::size_t number) { u8(number >> 8), u8(number); }
    void u32(std::size_t number) { u16(number >> 16), u16(number); }
    void head(std::size_t small, std::size_t wide, std::size_t entries) {
        if (entries < 16) {
            u8(small | entries);
        } else {
            u8(wide), u16(entries);
        }
    }

    char* out_;
};

}  // namespace weft::fabric
