#pragma once
// The effective configuration: all layers merged, every key known and of its type, every value with
// its origin. Read it through Section (section.hpp); explain.hpp prints it.
// Threads: immutable after load(); share it by const reference.
#include <filesystem>
#include <string_view>

#include "config/value.hpp"

namespace weft::config {

class Configuration {
public:
    /// Made by load(). `directory` is absolute: what relative file names and paths start from.
    Configuration(Value root, std::filesystem::path directory);

    /// The built-in defaults alone.
    [[nodiscard]] static Configuration defaults();

    [[nodiscard]] const Value& root() const noexcept { return root_; }

    /// Any node by its dotted key (`fabric.relay.inbound`, `gateway.listeners.0`); the empty key
    /// is the root. nullptr when the configuration has no such node. Lives as long as this object.
    [[nodiscard]] const Value* find(std::string_view key) const noexcept;

    /// The directory that loading started in.
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    /// The directory that a relative path in a value of this origin is meant from: for a file in a
    /// folder `weft.d` the directory that holds this folder, for another file its own directory,
    /// for everything else directory(). Absolute.
    [[nodiscard]] std::filesystem::path base_of(const Origin& origin) const;

private:
    Value root_;
    std::filesystem::path directory_;
};

}  // namespace weft::config
