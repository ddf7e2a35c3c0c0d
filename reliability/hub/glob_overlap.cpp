#include "reliability/hub/glob_overlap.hpp"

#include <string_view>

namespace weft::reliability::hub {
namespace {

std::vector<std::string_view> tokens_of(std::string_view text) {
    std::vector<std::string_view> tokens;
    while (true) {
        const std::size_t dot = text.find('.');
        tokens.push_back(text.substr(0, dot));
        if (dot == std::string_view::npos) return tokens;
        text.remove_prefix(dot + 1);
    }
}

/// One step of a token: a character that must be, any one, or any number of any.
struct Step {
    enum class Is { character, any_one, any_run } is;
    char character = 0;
};

/// A set counts as any one character, so that two sets always have something in common: who is told
/// of an overlap that is none can write the globs in another way.
std::vector<Step> steps_of(std::string_view token) {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] == '*') {
            steps.push_back({Step::Is::any_run});
        } else if (token[i] == '?') {
            steps.push_back({Step::Is::any_one});
        } else if (token[i] == '[') {
            // "[]x]" and "[!]x]": the first one belongs to the set.
            std::size_t from = i + 1;
            if (from < token.size() && token[from] == '!') ++from;
            const std::size_t end = token.find(']', from + 1);
            steps.push_back({Step::Is::any_one});
            i = end == std::string_view::npos ? token.size() : end;
        } else {
            steps.push_back({Step::Is::character, token[i]});
        }
    }
    return steps;
}

/// Can the sequences a and b stand for the same? `skips(x)`: x may stand for nothing or for more
/// than one; `meet(x, y)`: one of x can be one of y. Fills a table from the ends.
template <class Item, class Skips, class Meet>
bool have_common(const std::vector<Item>& a, const std::vector<Item>& b, const Skips& skips,
                 const Meet& meet) {
    std::vector<std::vector<char>> can(a.size() + 1, std::vector<char>(b.size() + 1, 0));
    for (std::size_t i = a.size() + 1; i-- > 0;) {
        for (std::size_t j = b.size() + 1; j-- > 0;) {
            const bool more_a = i < a.size(), more_b = j < b.size();
            bool yes = !more_a && !more_b;
            if (more_a && skips(a[i])) yes = yes || can[i + 1][j] || (more_b && can[i][j + 1]);
            if (more_b && skips(b[j])) yes = yes || can[i][j + 1] || (more_a && can[i + 1][j]);
            if (more_a && more_b && !skips(a[i]) && !skips(b[j])) {
                yes = yes || (can[i + 1][j + 1] && meet(a[i], b[j]));
            }
            can[i][j] = yes ? 1 : 0;
        }
    }
    return can[0][0] != 0;
}

bool tokens_meet(std::string_view a, std::string_view b) {
    return have_common(
        steps_of(a), steps_of(b), [](const Step& step) { return step.is == Step::Is::any_run; },
        [](const Step& x, const Step& y) {
            return x.is == Step::Is::any_one || y.is == Step::Is::any_one ||
                   x.character == y.character;
        });
}

}  // namespace

bool overlap(const signing::TopicGlob& a, const signing::TopicGlob& b) {
    return have_common(
        tokens_of(a.text()), tokens_of(b.text()),
        [](std::string_view token) { return token == "**"; }, &tokens_meet);
}

std::optional<std::pair<std::string, std::string>> overlapping(
    const std::vector<signing::TopicGlob>& a, const std::vector<signing::TopicGlob>& b) {
    for (const auto& one : a) {
        for (const auto& other : b) {
            if (overlap(one, other)) return std::pair{one.text(), other.text()};
        }
    }
    return std::nullopt;
}

}  // namespace weft::reliability::hub
