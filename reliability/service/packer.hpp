#pragma once
// A text of msgpack that grows: fields of a request or an answer, one after the other.
// Threads: a value.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fabric/message/msgpack_write.hpp"

namespace weft::reliability {

class Packer {
public:
    Packer& uint(std::uint64_t number) {
        return add(fabric::msgpack_uint_size(number), [&](auto& out) { out.uint(number); });
    }
    Packer& str(std::string_view text) {
        return add(fabric::msgpack_str_size(text.size()), [&](auto& out) { out.str(text); });
    }
    Packer& bin(std::string_view bytes) {
        return add(fabric::msgpack_bin_size(bytes.size()), [&](auto& out) { out.bin(bytes); });
    }
    Packer& nil() {
        return add(1, [](auto& out) { out.nil(); });
    }
    /// Fewer than 65,536 entries follow.
    Packer& array(std::size_t entries) {
        return add(fabric::msgpack_head_size(entries), [&](auto& out) { out.array_head(entries); });
    }
    Packer& raw(std::string_view bytes) {
        bytes_ += bytes;
        return *this;
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string take() { return std::move(bytes_); }

private:
    template <class Write>
    Packer& add(std::size_t bytes, Write write) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + bytes);
        fabric::MsgpackWriter out{bytes_.data() + at};
        write(out);
        return *this;
    }

    std::string bytes_;
};

/// What an operation takes or gives: how many fields, and their bytes side by side.
struct Fields {
    std::size_t count = 0;
    std::string bytes;
};

}  // namespace weft::reliability
