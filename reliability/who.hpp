#pragma once
// Recipients as C++ code says them:
//
//     .recipients = "web1.host1"
//     .recipients = {"web1.host1", "any(db1, db2)"}        every one of the list
//     .recipients = all("web1.host1", any("db1", "db2"))
//     .recipients = at_least(2, {"e", "f", "g"})
//
// Each is only text in the grammar of ack/recipients.hpp; it is parsed where it is used, together
// with the groups of the configuration.
// Threads: values.

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weft::reliability {

class Who {
public:
    Who() = default;  ///< Nobody: a plain publish.
    Who(const char* text) : text_(text) {}
    Who(std::string text) : text_(std::move(text)) {}
    Who(std::initializer_list<Who> everyone) : text_(joined(everyone)) {}

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    /// Every one of `names`, which are Who or texts.
    template <class Names>
    [[nodiscard]] static std::string joined(const Names& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ", ") + Who(name).text_;
        return text;
    }

private:
    std::string text_;
};

template <class... Names>
[[nodiscard]] Who all(const Names&... names) {
    return "all(" + Who::joined(std::initializer_list<Who>{Who(names)...}) + ")";
}
template <class... Names>
[[nodiscard]] Who any(const Names&... names) {
    return "any(" + Who::joined(std::initializer_list<Who>{Who(names)...}) + ")";
}
[[nodiscard]] inline Who at_least(std::size_t count, std::initializer_list<Who> names) {
    return std::to_string(count) + " of (" + Who::joined(names) + ")";
}

}  // namespace weft::reliability
