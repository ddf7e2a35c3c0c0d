#pragma once
// Posts with an Idempotency-Key: whoever lost the answer asks again with the same key, gets the
// same id, and posts nothing twice (R167). In memory: after a restart a key is new.
// Threads: any. Limits: keys_max, for `keep_for` each; the oldest go first.

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/position.hpp"

namespace weft::gateway::rse {

class PostedKeys {
public:
    static constexpr std::size_t keys_max = 10'000, key_bytes_max = 255;

    explicit PostedKeys(fabric::Instant keep_for) : keep_for_(keep_for) {}

    enum class Begun {
        first,      ///< Post it, then end().
        under_way,  ///< The first one has not been answered yet.
        repeated,   ///< `id` is that of the first one.
        other,      ///< The key was used for another post.
    };
    struct Begin {
        Begun begun = Begun::first;
        reliability::JournalId id = 0;
    };
    /// `key` names the client too; `fingerprint` what is posted.
    [[nodiscard]] Begin begin(const std::string& key, std::size_t fingerprint, fabric::Instant now);
    /// Nothing: it failed, and may be tried again under its key.
    void end(const std::string& key, std::optional<reliability::JournalId> id);

private:
    struct Entry {
        std::size_t fingerprint = 0;
        std::optional<reliability::JournalId> id{};
        fabric::Instant at{};
    };
    void forget_old(fabric::Instant now);

    const fabric::Instant keep_for_;
    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::pair<fabric::Instant, std::string>> order_;
};

}  // namespace weft::gateway::rse
