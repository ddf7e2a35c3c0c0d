// Recipients::parse(): one pass over the text, by recursion that brackets and groups may only bring
// depth_max deep. A group's text is read where its name stands.

#include <algorithm>
#include <cassert>
#include <charconv>
#include <limits>
#include <utility>

#include "config/problem.hpp"
#include "reliability/ack/recipients.hpp"
#include "signing/certificate.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

constexpr std::string_view white_space = " \t\r\n";

bool all_digits(std::string_view word) {
    return !word.empty() &&
           std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Far too many where it is too large for a number.
std::size_t number_of(std::string_view digits) {
    std::size_t number = 0;
    const auto end = digits.data() + digits.size();
    const bool fits = std::from_chars(digits.data(), end, number).ec == std::errc{};
    return fits ? number : std::numeric_limits<std::size_t>::max();
}

}  // namespace

struct Recipients::Parser {
    /// A text that is being read: what was asked for, or a group's.
    struct Source {
        std::string_view text;
        std::string_view group;  // "": what was asked for
        std::size_t at = 0;

        void skip_white_space() {
            at = std::min(text.find_first_not_of(white_space, at), text.size());
        }
        /// What comes next, white space aside; '\0' at the end.
        char next() {
            skip_white_space();
            return at < text.size() ? text[at] : '\0';
        }
        /// "" if something else comes next.
        std::string_view word() {
            skip_white_space();
            const std::size_t end = std::min(text.find_first_of(" \t\r\n,()", at), text.size());
            const std::string_view taken = text.substr(at, end - at);
            at = end;
            return taken;
        }
    };
    static constexpr std::size_t all = 0;  // As a number of `needed`.

    const Groups& groups;
    Recipients& made;
    Source source;
    std::vector<std::string_view> open_groups{};
    std::size_t text_bytes = 0;  // At least what text() will have.
    std::string wrong{};

    /// Always false. `at` is an offset into the current text.
    bool fail(std::size_t at, const std::string& sentence) {
        const std::string where =
            source.group.empty() ? "recipients" : "group " + config::in_quotes(source.group);
        wrong = where + ", character " + std::to_string(at + 1) + ": " + sentence;
        return false;
    }
    bool count_text(std::size_t at, std::size_t bytes) {
        text_bytes += bytes;
        if (text_bytes <= text_bytes_max) return true;
        return fail(at, "with its groups resolved the text is longer than " +
                            std::to_string(text_bytes_max) + " bytes; ask for less");
    }

    bool name(std::string_view word, std::size_t at, Node& node) {
        if (const std::string error = signing::name_error(word); !error.empty()) {
            return fail(at, error);
        }
        int position = made.position(word);
        if (position < 0) {
            if (made.names_.size() == names_max) {
                return fail(at, config::in_quotes(word) + " is one name too many; at most " +
                                    std::to_string(names_max) + " may be required");
            }
            position = static_cast<int>(made.names_.size());
            made.names_.emplace_back(word);
        }
        node = Node{};
        node.name = position;
        return count_text(at, word.size() + 2);  // ", "
    }

    bool group(std::string_view word, std::string_view text, std::size_t at, std::size_t level,
               Node& node) {
        const auto begin = std::find(open_groups.begin(), open_groups.end(), word);
        if (begin != open_groups.end()) {
            std::string cycle;
            for (auto open = begin; open != open_groups.end(); ++open) {
                cycle.append(signing::escape(*open)).append(" -> ");
            }
            return fail(at, "group " + config::in_quotes(word) + " stands for itself: " + cycle +
                                signing::escape(word));
        }
        if (!may_enter(at, level)) return false;
        open_groups.push_back(word);
        const Source before = std::exchange(source, {text, word});
        const bool good = whole_text(level + 1, node);
        if (good) source = before;  // An error stays where it is.
        open_groups.pop_back();
        return good;
    }

    bool may_enter(std::size_t at, std::size_t level) {
        if (level < depth_max) return true;
        return fail(at, "brackets and groups stand more than " + std::to_string(depth_max) +
                            " deep in one another; flatten them");
    }

    /// `word` was read at `at`, and a bracket follows.
    bool bracket(std::string_view word, std::size_t at, std::size_t needed, std::size_t level,
                 Node& node) {
        if (!may_enter(at, level)) return false;
        const std::size_t opened = source.at++;
        if (!list(level + 1, node.parts)) return false;
        if (source.next() != ')') {
            return fail(opened, "this bracket is not closed; write ')' behind its last name");
        }
        ++source.at;
        return finish_list(word, at, needed, node);
    }

    /// Says how many of the parts are needed. A list of one is what it holds.
    bool finish_list(std::string_view word, std::size_t at, std::size_t needed, Node& node) {
        const std::size_t count = node.parts.size();
        if (needed > count) {
            return fail(at, std::string{word} + " of " + std::to_string(count) +
                                " can never be; write at most " + std::to_string(count) +
                                ", or name more");
        }
        node.needed = needed == all ? count : needed;
        if (count > 1) return count_text(at, std::to_string(node.needed).size() + 6);  // "2 of ()"
        Node only = std::move(node.parts.front());
        node = std::move(only);
        return true;
    }

    bool number_of_list(std::string_view word, std::size_t at, std::size_t level, Node& node) {
        if (!all_digits(word)) {
            return fail(at, config::in_quotes(word) +
                                " is not a number; write how many are needed, such as "
                                "2 of (a, b, c)");
        }
        if (source.next() != '(') {
            return fail(source.at, "a list in brackets must follow here, such as 2 of (a, b, c)");
        }
        const std::size_t needed = number_of(word);
        if (needed == 0) {
            return fail(at, "0 of a list is nobody; write 1 or more, or leave the list out");
        }
        // Digits without end are not repeated in the sentence.
        const std::string_view shown = word.size() > 20 ? "so many" : word;
        return bracket(shown, at, needed, level, node);
    }

    bool item(std::size_t level, Node& node) {
        source.skip_white_space();
        const std::size_t at = source.at;
        const std::string_view word = source.word();
        const char next = source.next();
        if (word.empty()) return no_item(next);
        if (next == '(') {
            if (word == "all") return bracket(word, at, all, level, node);
            if (word == "any") return bracket(word, at, 1, level, node);
            return fail(at, config::in_quotes(word) +
                                " stands before a bracket; only all, any and a number with 'of' "
                                "do, such as any(a, b) or 2 of (a, b, c)");
        }
        if (next != ',' && next != ')' && next != '\0') {
            const std::size_t second = source.at;
            const std::string_view other = source.word();
            if (other == "of") return number_of_list(word, at, level, node);
            return fail(second, "between " + config::in_quotes(word) + " and " +
                                    config::in_quotes(other) + " a comma is missing");
        }
        const auto group_text = groups.find(word);
        if (group_text == groups.end()) return name(word, at, node);
        return group(word, group_text->second, at, level, node);
    }
    bool no_item(char next) {
        if (next == '(') {
            return fail(source.at, "before a bracket all, any or a number with 'of' must stand");
        }
        const std::string before =
            next == '\0' ? "at the end" : std::string{"before '"} + next + "'";
        return fail(source.at, "a name is missing " + before);
    }

    /// At least one item, with commas between them. Ends before what is no comma.
    bool list(std::size_t level, std::vector<Node>& parts) {
        do {
            source.skip_white_space();
            const std::size_t at = source.at;
            Node part;
            if (!item(level, part)) return false;
            const auto twin = std::find_if(parts.begin(), parts.end(),
                                           [&](const Node& other) { return same(part, other); });
            if (twin != parts.end()) {
                std::string text;
                made.write(part, text);
                return fail(at, config::in_quotes(text) +
                                    " stands twice in one list and would count twice; name it "
                                    "once");
            }
            parts.push_back(std::move(part));
        } while (source.next() == ',' && ++source.at != 0);
        return true;
    }
    static bool same(const Node& a, const Node& b) {
        return a.name == b.name && a.needed == b.needed &&
               std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same);
    }

    bool whole_text(std::size_t level, Node& node) {
        if (source.text.size() > text_bytes_max) {
            return fail(0, "the text has " + std::to_string(source.text.size()) +
                               " bytes; at most " + std::to_string(text_bytes_max) +
                               " are allowed");
        }
        if (source.next() == '\0' && source.at == source.text.size()) {
            return fail(0, "a group must stand for somebody; name its members, or remove it");
        }
        if (!list(level, node.parts)) return false;
        const char next = source.next();
        if (next == ')') return fail(source.at, "this ')' closes no bracket; remove it");
        if (source.at != source.text.size()) {
            return fail(source.at, "a comma must stand here, or nothing");
        }
        return finish_list("all", 0, all, node);
    }

    static std::size_t depth_of(const Node& node) {
        std::size_t deepest = 0;
        for (const Node& part : node.parts) deepest = std::max(deepest, depth_of(part));
        return node.parts.empty() ? 0 : 1 + deepest;
    }
};

tl::expected<Recipients, std::string> Recipients::parse(std::string_view text,
                                                        const Groups& groups) {
    Recipients made;
    if (text.find_first_not_of(white_space) == std::string_view::npos) return made;
    Parser parser{groups, made, {text, {}}};
    bool good = parser.whole_text(0, made.root_);
    // The list without brackets around everything counts like one with them.
    if (good && Parser::depth_of(made.root_) > depth_max) {
        good = parser.fail(0, "brackets and groups stand more than " + std::to_string(depth_max) +
                                  " deep in one another; flatten them");
    }
    if (!good) return tl::make_unexpected(std::move(parser.wrong));
    return made;
}

}  // namespace weft::reliability
