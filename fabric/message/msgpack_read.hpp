#pragma once
// Reads the few msgpack elements that our own formats are made of (the content's header, requests
// for acknowledgements, their statements) by hand, in every width that msgpack has for them.
// Whatever else may stand in a message is only walked over, by scan_msgpack().
// Threads: values. Ownership: texts and bytes are views into what is read.
// Errors:  each read returns false, and changes nothing, if the next element is something else or
//          is cut off. Nothing is allocated.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::fabric {

class MsgpackReader {
public:
    explicit MsgpackReader(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    void skip(std::size_t bytes) { rest_.remove_prefix(bytes); }

    bool nil() {
        if (rest_.empty() || first() != 0xC0) return false;
        skip(1);
        return true;
    }

    bool uint(std::uint64_t& number) {
        if (rest_.empty()) return false;
        const std::uint8_t type = first();
        if (type < 0x80) {
            number = type;
            skip(1);
            return true;
        }
        // uint 8 to 64 are 0xCC to 0xCF; int 8 to 64 are 0xD0 to 0xD3, and may hold a number that
        // is not negative.
        if (type < 0xCC || type > 0xD3) return false;
        const std::size_t width = std::size_t{1} << ((type - 0xCC) & 3);
        if (rest_.size() <= width) return false;
        const std::uint64_t read = big_endian(1, width);
        const bool negative = type >= 0xD0 && (read >> (8 * width - 1)) != 0;
        if (negative) return false;
        number = read;
        skip(1 + width);
        return true;
    }

    bool str(std::string_view& text) {
        if (rest_.empty()) return false;
        const std::uint8_t type = first();
        if (type >= 0xA0 && type <= 0xBF) return take(1, type & 0x1F, text);
        return type >= 0xD9 && type <= 0xDB && sized(std::size_t{1} << (type - 0xD9), text);
    }

    bool bin(std::string_view& bytes) {
        if (rest_.empty()) return false;
        const std::uint8_t type = first();
        return type >= 0xC4 && type <= 0xC6 && sized(std::size_t{1} << (type - 0xC4), bytes);
    }

    /// The count is what the bytes declare, and may be a lie.
    bool array_head(std::uint64_t& count) { return head(0x90, 0xDC, count); }
    bool map_head(std::uint64_t& count) { return head(0x80, 0xDE, count); }

private:
    [[nodiscard]] std::uint8_t first() const { return static_cast<std::uint8_t>(rest_.front()); }

    [[nodiscard]] std::uint64_t big_endian(std::size_t at, std::size_t width) const {
        std::uint64_t number = 0;
        for (std::size_t i = at; i < at + width; ++i) {
            number = number << 8 | static_cast<std::uint8_t>(rest_[i]);
        }
        return number;
    }
    bool take(std::size_t head_bytes, std::uint64_t bytes, std::string_view& taken) {
        if (rest_.size() - head_bytes < bytes) return false;
        taken = rest_.substr(head_bytes, bytes);
        skip(head_bytes + bytes);
        return true;
    }
    bool sized(std::size_t width, std::string_view& taken) {
        return rest_.size() > width && take(1 + width, big_endian(1, width), taken);
    }
    /// `small` is the type byte with 4 bits of count; `wide` has 2 bytes of it, `wide` + 1 has 4.
    bool head(std::uint8_t small, std::uint8_t wide, std::uint64_t& count) {
        if (rest_.empty()) return false;
        const std::uint8_t type = first();
        if ((type & 0xF0) == small) {
            count = type & 0x0F;
            skip(1);
            return true;
        }
        if (type != wide && type != wide + 1) return false;
        const std::size_t width = type == wide ? 2 : 4;
        if (rest_.size() <= width) return false;
        count = big_endian(1, width);
        skip(1 + width);
        return true;
    }

    std::string_view rest_;
};

}  // namespace weft::fabric
