#pragma once
// Small durable state beside a journal: named cursors, leases, claims, subscriptions. Keys are
// texts; who uses it begins all of its keys with a word of its own and a slash ("cursor/…").
//
// Promises: apply() is all or nothing, and durable when it returns (`sync`), or soon (`lazy`: after
//           kill -9 it is there, after a power loss maybe not; never half of it, never out of
//           order).
// Threads:  every function from any thread.
// Limits:   a key has 1 to 512 bytes, a value at most 1 MiB, one apply() at most 8 MiB: beyond,
//           `invalid`.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace weft::reliability {

struct JournalError;

struct StateChange {
    std::string key;
    std::optional<std::string> value;  ///< Nothing: remove the key.
};

class StateStore {
public:
    static constexpr std::size_t key_bytes_max = 512;
    static constexpr std::size_t value_bytes_max = std::size_t{1} << 20;
    static constexpr std::size_t apply_bytes_max = std::size_t{8} << 20;

    enum class Durability { sync, lazy };
    using Entry = std::pair<std::string, std::string>;

    virtual ~StateStore() = default;
    [[nodiscard]] virtual tl::expected<std::optional<std::string>, JournalError> get(
        std::string_view key) = 0;
    /// By rising keys (bytes): those that begin with `prefix` and come after `after` ("": all).
    [[nodiscard]] virtual tl::expected<std::vector<Entry>, JournalError> list(
        std::string_view prefix, std::string_view after, std::size_t limit) = 0;
    [[nodiscard]] virtual tl::expected<void, JournalError> apply(
        const std::vector<StateChange>& changes, Durability durability = Durability::sync) = 0;
};

}  // namespace weft::reliability
