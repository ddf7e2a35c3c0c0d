#pragma once
// Where a configuration value came from, so that every message about it can point there.
// Threads: a plain value; no shared state.
#include <cstddef>
#include <string>
#include <utility>

namespace weft::config {

struct Origin {
    enum class Kind {
        defaults,     ///< built into weft
        file,         ///< `name` is the file, `line` counts from 1
        environment,  ///< `name` is the variable, such as WEFT_FABRIC__MODE
        option,       ///< `name` is the option as typed, such as `--set fabric.mode`
    };

    Kind kind = Kind::defaults;
    std::string name;
    std::size_t line = 0;    ///< 0: not known, or not a file
    std::size_t column = 0;  ///< 0: not known; only syntax errors carry one

    [[nodiscard]] static Origin defaults() { return {}; }
    [[nodiscard]] static Origin file(std::string name, std::size_t line = 0,
                                     std::size_t column = 0) {
        return {Kind::file, std::move(name), line, column};
    }
    [[nodiscard]] static Origin environment(std::string variable) {
        return {Kind::environment, std::move(variable), 0, 0};
    }
    [[nodiscard]] static Origin option(std::string text) {
        return {Kind::option, std::move(text), 0, 0};
    }

    /// `weft.d/10-weft.yaml:3`, `environment WEFT_FABRIC__MODE`, `--set fabric.mode`, `default`.
    [[nodiscard]] std::string text() const;

    bool operator==(const Origin&) const = default;
};

}  // namespace weft::config
