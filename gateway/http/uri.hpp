#pragma once
// Targets and queries of requests. Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace weft::gateway {

/// "%C3%A4" becomes two bytes. The error is a sentence: an escape that is none, or text that is not
/// UTF-8 then.
[[nodiscard]] tl::expected<std::string, std::string> percent_decode(std::string_view text,
                                                                    bool plus_is_space = false);
/// Everything but A-Z a-z 0-9 - . _ ~ is escaped.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// The parameters of a query or form, in their order.
class Query {
public:
    static constexpr std::size_t parameters_max = 256;
    [[nodiscard]] static tl::expected<Query, std::string> parse(std::string_view text);
    /// The last of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& list() const noexcept {
        return list_;
    }

private:
    std::vector<std::pair<std::string, std::string>> list_;
};

/// "/v1/topics/a.b" as {"v1", "topics", "a.b"}, each decoded. "/" has none; "/a/" ends with an
/// empty one. The error is a sentence.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> path_segments(
    std::string_view raw_path);

}  // namespace weft::gateway
