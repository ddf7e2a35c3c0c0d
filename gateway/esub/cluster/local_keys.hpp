#pragma once
// The keys that are open at this gateway, each with a number that no other one ever has (`sid`),
// the time since which it is open, and what changed since it was last asked: for announcements, and
// for who comes from the fabric with the hash of a token. Pure state machine: no I/O, no clock.
// Threads: one at a time. Limits: those of the server: a key is one open connection.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/esub/elsewhere.hpp"

namespace weft::gateway::esub {

/// One waiter, as other gateways know it.
struct OpenKey {
    Kind kind = Kind::sub;
    std::string key;
    std::string token_hash;
    bool shared = false;
    std::uint64_t sid = 0;
    std::uint64_t stamp_us = 0;  ///< The wall clock of its gateway when it was opened.
    friend bool operator==(const OpenKey&, const OpenKey&) = default;
};

class LocalKeys {
public:
    struct Held {
        Kind kind = Kind::sub;
        std::uint64_t id = 0;  ///< The desk's.
        std::string token;
        bool shared = false;
        std::uint64_t sid = 0, stamp_us = 0;
    };
    struct Changes {
        std::vector<OpenKey> open;
        std::vector<std::uint64_t> done;
    };

    /// `tracks_changes` false: nobody asks for them.
    explicit LocalKeys(bool tracks_changes) : tracks_(tracks_changes) {}

    void opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                std::uint64_t id, std::uint64_t now_us);
    void closed(Kind kind, std::string_view key, std::uint64_t id);

    /// The newest of that kind.
    [[nodiscard]] std::optional<Held> find(Kind kind, std::string_view key) const;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool has_changes() const noexcept { return !fresh_.empty() || !done_.empty(); }
    /// What opened and is still open, and what closed, since the last call.
    [[nodiscard]] Changes take_changes();
    [[nodiscard]] std::vector<OpenKey> all() const;
    /// A key that is open as a sub and as a psub stands there twice.
    [[nodiscard]] std::vector<std::string> keys() const;
    /// Members of a shared pool.
    [[nodiscard]] std::size_t pooled(std::string_view key) const;

private:
    [[nodiscard]] static OpenKey announced(const std::string& key, const Held& held);
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept {
            return std::hash<std::string_view>{}(key);
        }
    };

    const bool tracks_;
    std::unordered_map<std::string, std::vector<Held>, Hash, std::equal_to<>> keys_;
    std::unordered_map<std::uint64_t, std::string>
        fresh_;  // sids not announced yet, and their keys
    std::vector<std::uint64_t> done_;
    std::uint64_t sids_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weft::gateway::esub
