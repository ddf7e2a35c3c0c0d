#pragma once
// Conditions on the fields of a body, with which a webhook says which messages of its topics it
// wants: {"path": "commit.branch", "eq": "main"}. All of them must hold.
//
//     eq, ne         a text, number, flag or null; 1 and 1.0 are equal. `ne` also holds where
//                    nothing is at the path
//     in             one of a list of such values
//     gt, ge, lt, le a number, or a text by its bytes, compared with one of the same sort
//     exists         true or false
//     prefix         a text begins with it
//     matches        a text is matched whole by `*` (any run) and `?` (one character)
//
// Pure, and linear in body and pattern. `matches` looks at texts of at most text_bytes_max.
// Threads: values; const use from any thread. Errors: sentences that name the condition.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/value.hpp"

namespace weft::gateway::webhooks {

class Condition {
public:
    static constexpr std::size_t path_bytes_max = 255, operand_bytes_max = 1024, values_max = 100;
    static constexpr std::size_t text_bytes_max = 4096;
    enum class Operator : std::uint8_t { eq, ne, in, gt, ge, lt, le, exists, prefix, matches };

    /// Of one JSON object with `path` and one operator, nothing else.
    [[nodiscard]] static tl::expected<Condition, std::string> parse(const nlohmann::json& json);
    [[nodiscard]] nlohmann::json json() const;
    [[nodiscard]] bool holds(const fabric::Value& body) const;

private:
    std::string path_;
    Operator is_ = Operator::eq;
    std::vector<fabric::Value> operands_;  ///< One, but for `in`.
    nlohmann::json written_;
};

class Conditions {
public:
    static constexpr std::size_t most = 16;

    /// Of a list.
    [[nodiscard]] static tl::expected<Conditions, std::string> parse(const nlohmann::json& json);
    [[nodiscard]] nlohmann::json json() const;
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    [[nodiscard]] bool hold(const fabric::Value& body) const;

private:
    std::vector<Condition> all_;
};

/// `*` is any run of bytes, `?` one character of UTF-8; the whole text. At most |pattern| x |text|
/// comparisons, without recursion.
[[nodiscard]] bool matches_whole(std::string_view pattern, std::string_view text) noexcept;

}  // namespace weft::gateway::webhooks
