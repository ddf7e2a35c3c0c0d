#pragma once
// A topic: `<prefix>.<environment>.<service>.<event...>`, 1 to 255 bytes of UTF-8 without control
// characters, tokens between dots, none empty. A Topic that exists is valid.
// Threads: values.

#include <compare>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace weft::fabric {

class Topic {
public:
    static constexpr std::size_t bytes_max = 255;

    /// The error is a sentence that names the text and what is wrong with it.
    [[nodiscard]] static tl::expected<Topic, std::string> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    friend bool operator==(const Topic&, const Topic&) = default;
    friend auto operator<=>(const Topic&, const Topic&) = default;

private:
    explicit Topic(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// Puts short names under `<prefix>.<environment>.`, as people type them.
struct TopicSpace {
    std::string prefix, environment;

    /// "git.commit" becomes "org.weft.dev.git.commit"; what already starts with `<prefix>.` stays.
    [[nodiscard]] std::string complete(std::string_view text) const;
    /// The same for globs: one whose first token is `**` or holds a wildcard stays as it is.
    [[nodiscard]] std::string complete_glob(std::string_view text) const;
    [[nodiscard]] std::string root() const { return prefix + "." + environment; }
    /// In front of a publisher's name: the topic on which it is sent acknowledgements.
    [[nodiscard]] std::string ack_root() const { return root() + ".ack."; }
};

}  // namespace weft::fabric
