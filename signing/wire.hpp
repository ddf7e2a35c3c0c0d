#pragma once
// Big-endian integers into and out of the binary formats of suite 1.
// A WireReader never reads past the end: the first short read makes it fail, and it stays failed,
// so a parser reads all fields and asks once. Views that it hands out point into the input.
// Threads: values, confined to their user.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft::signing {

class WireWriter {
public:
    WireWriter& u8(std::uint8_t number) { return integer(number, 1); }
    WireWriter& u32(std::uint32_t number) { return integer(number, 4); }
    WireWriter& u64(std::uint64_t number) { return integer(number, 8); }
    WireWriter& i64(std::int64_t number) { return integer(static_cast<std::uint64_t>(number), 8); }
    WireWriter& bytes(std::string_view bytes) {
        out_.append(bytes);
        return *this;
    }
    template <class Array>
    WireWriter& array(const Array& array) {
        return bytes({reinterpret_cast<const char*>(array.data()), array.size()});
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    WireWriter& integer(std::uint64_t number, int width) {
        for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
            out_.push_back(static_cast<char>(static_cast<std::uint8_t>(number >> shift)));
        }
        return *this;
    }

    std::string out_;
};

class WireReader {
public:
    explicit WireReader(std::string_view input) : rest_(input) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
    std::uint64_t u64() { return integer(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(integer(8)); }
    /// Empty when the input is shorter than that.
    std::string_view bytes(std::size_t count) {
        if (count > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    /// Leaves `array` unchanged when the input is too short.
    template <class Array>
    void array(Array& array) {
        const std::string_view taken = bytes(array.size());
        taken.copy(reinterpret_cast<char*>(array.data()), taken.size());
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }

private:
    std::uint64_t integer(std::size_t width) {
        std::uint64_t number = 0;
        for (const char byte : bytes(width)) number = number << 8 | static_cast<std::uint8_t>(byte);
        return number;
    }

    std::string_view rest_;
    bool failed_ = false;
};

/// The text that a signature of suite 1 starts with: the tag, zero-padded to 16 bytes (S2).
[[nodiscard]] inline std::string signed_bytes(std::string_view tag, std::string_view message) {
    std::string bytes(tag);
    bytes.resize(16, '\0');
    return bytes.append(message);
}

}  // namespace weft::signing
