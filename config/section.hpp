#pragma once
// Typed reads for the modules: each module takes its section and turns text into types, once, at
// the edge. A read that fails adds a problem with the origin of the value and returns something
// harmless, so that one run finds everything that is wrong; look at `problems` before using it.
//
//     config::Problems problems;
//     const config::Section fabric{configuration, "fabric", problems};
//     settings.mark = fabric.count("high_water_mark");
//     for (const std::string& name : fabric.keys("endpoints")) …
//     if (!known(mode)) fabric.refuse("mode", "…");
//
// Every `key` may be dotted (`relay.inbound`); a key that has dots itself works as well. What the
// schema knows has been checked by load() and cannot fail here; free-form parts can.
// Threads: confined to one thread, since it appends to `problems`.
// Ownership: refers to the configuration and to `problems`; both must outlive it.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.hpp"
#include "config/configuration.hpp"
#include "config/endpoint.hpp"
#include "config/problem.hpp"

namespace weft::config {

class Section {
public:
    /// The part of the configuration under `key`; the empty key is all of it.
    Section(const Configuration& configuration, std::string_view key, Problems& problems);

    /// True if the key has a value that is not null.
    [[nodiscard]] bool has(std::string_view key) const noexcept;
    /// The value as written; nullptr if there is none.
    [[nodiscard]] const Value* find(std::string_view key) const noexcept;

    // Without a fallback a missing key is a problem; with one it is the fallback.
    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const;
    [[nodiscard]] bool flag(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
    [[nodiscard]] std::uint64_t count(std::string_view key) const;
    [[nodiscard]] std::uint64_t count(std::string_view key, std::uint64_t fallback) const;
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view key) const;
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view key,
                                                     std::chrono::milliseconds fallback) const;
    [[nodiscard]] std::uint64_t size(std::string_view key) const;  ///< bytes
    [[nodiscard]] std::uint64_t size(std::string_view key, std::uint64_t fallback) const;
    [[nodiscard]] Endpoint endpoint(std::string_view key) const;
    [[nodiscard]] Address address(std::string_view key) const;
    /// Absolute: a relative path starts at Configuration::base_of() its value. Empty text gives the
    /// empty path.
    [[nodiscard]] std::filesystem::path path(std::string_view key) const;

    // Lists. A missing key is an empty list.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    [[nodiscard]] std::vector<Endpoint> endpoints(std::string_view key) const;
    [[nodiscard]] std::vector<std::chrono::milliseconds> durations(std::string_view key) const;
    /// A list of maps, one section each.
    [[nodiscard]] std::vector<Section> items(std::string_view key) const;

    /// The keys of the map under `key` (of this section itself without one), in the order written;
    /// none if it is missing.
    [[nodiscard]] std::vector<std::string> keys(std::string_view key = {}) const;
    /// The section under `key`; without any keys if it is missing.
    [[nodiscard]] Section section(std::string_view key) const;

    /// Adds a problem of the module's own, with the origin of that key (or of this section, if the
    /// key is missing). The sentence says what is wrong and what would be right.
    void refuse(std::string_view key, std::string sentence) const;

    /// Where the value of `key` comes from; this section's own origin if it is missing.
    [[nodiscard]] Origin origin(std::string_view key) const;
    /// The dotted key from the root, for messages.
    [[nodiscard]] std::string full_key(std::string_view key) const;

private:
    Section(const Configuration& configuration, const Value* value, std::string key,
            Problems& problems);

    [[nodiscard]] const Value* required(std::string_view key) const;
    [[nodiscard]] const Value* list(std::string_view key) const;
    template <typename Parse>
    [[nodiscard]] auto parsed(std::string_view key, const Value& value, Parse parse) const;
    template <typename Parse>
    [[nodiscard]] auto parsed_list(std::string_view key, Parse parse) const;

    const Configuration* configuration_;
    const Value* value_;  ///< nullptr: the configuration has no such section
    std::string key_;
    Problems* problems_;
};

}  // namespace weft::config
