#pragma once
// The key of a message in a group of mode keyed: its topic and the name of who signed it, as 64
// bits. Two keys that fall together only wait for each other.
// Threads: confined to one thread. Ownership: keeps a copy of the last certificate.

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::reliability {

class MessageKeys {
public:
    /// A proof that cannot be read, or none: its bytes stand for the name.
    [[nodiscard]] std::uint64_t of(std::string_view topic, std::string_view proof);

private:
    std::string certificate_, name_;  // of the last proof: neighbours mostly share it
};

}  // namespace weft::reliability
