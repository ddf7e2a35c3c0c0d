#pragma once
// Who must acknowledge: certificate names, and how many of them are enough.
//
//     a, b                    both                  all(a, b)   the same
//     any(c, d)               one of the two
//     2 of (e, f, g)          any two of the three
//     all(a, any(c, d))       they nest, at most depth_max deep
//     web                     a group of the configuration (reliability.groups), if there is one of
//                             that name, else the name on a certificate
//
// Threads: values. Limits: names_max distinct names, text_bytes_max of text, depth_max.
// Errors:  sentences that say what is wrong and where, and what would be right.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace weft::reliability {

class Recipients {
public:
    static constexpr std::size_t names_max = 64;
    static constexpr std::size_t depth_max = 8;
    static constexpr std::size_t text_bytes_max = 16'384;

    /// By name, an expression. A group may stand for other groups, but not for itself.
    using Groups = std::map<std::string, std::string, std::less<>>;

    /// Nobody.
    Recipients() = default;
    /// Nothing but white space is nobody, too.
    [[nodiscard]] static tl::expected<Recipients, std::string> parse(std::string_view text,
                                                                     const Groups& groups = {});

    /// Every name once, in order of first mention. Answers are given by position in this list.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
    /// Position in names(), or -1.
    [[nodiscard]] int position(std::string_view name) const noexcept;

    enum class Answer : std::uint8_t { none, acknowledged, rejected };
    enum class Standing {
        open,       ///< What is missing decides.
        satisfied,  ///< Enough have acknowledged.
        failed,     ///< So many rejected that it cannot be satisfied any more.
    };
    /// `answers` has one entry per name (asserted). Nobody is satisfied at once.
    [[nodiscard]] Standing judge(std::span<const Answer> answers) const;

    /// With groups resolved, such as "all(a, any(c, d))"; one name alone is just that; nobody is
    /// "".
    [[nodiscard]] std::string text() const;

private:
    struct Parser;
    struct Node {
        int name = -1;           // a leaf: position in names_
        std::size_t needed = 0;  // of `parts`
        std::vector<Node> parts;
    };
    [[nodiscard]] Standing judge(const Node& node, std::span<const Answer> answers) const;
    void write(const Node& node, std::string& out) const;

    std::vector<std::string> names_;
    Node root_;
};

}  // namespace weft::reliability
