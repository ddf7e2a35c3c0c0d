#include "tests/fault/expression.hpp"

#include <algorithm>
#include <set>

namespace weft::fault {

Expression Expression::make(Random& random, const std::vector<std::string>& names, int depth) {
    Expression made;
    if (depth == 2 || (depth > 0 && random.permille(600)) || random.permille(250)) {
        made.name_ = random.one_of(names);
        return made;
    }
    const std::uint64_t count = random.between(1, std::min<std::uint64_t>(names.size(), 4));
    std::set<std::string> parts_before;
    for (std::uint64_t i = 0; i < count; ++i) {
        Expression part = make(random, names, depth + 1);
        // Nothing stands twice in a list, but a name may stand in several; a list of one is that.
        if (!parts_before.insert(part.text()).second) continue;
        made.parts_.push_back(std::move(part));
    }
    if (made.parts_.size() == 1) {
        Expression only = std::move(made.parts_.front());
        return only;
    }
    const std::size_t parts = made.parts_.size();
    const std::uint64_t kind = random.below(3);
    made.needed_ = kind == 0 ? parts : kind == 1 ? 1 : random.between(1, parts);
    return made;
}

std::string Expression::text() const {
    if (parts_.empty()) return name_;
    std::string text;
    for (const Expression& part : parts_) text += (text.empty() ? "" : ", ") + part.text();
    return std::to_string(needed_) + " of (" + text + ")";
}

void Expression::collect(std::vector<std::string>& names) const {
    if (parts_.empty() && std::find(names.begin(), names.end(), name_) == names.end()) {
        names.push_back(name_);
    }
    for (const Expression& part : parts_) part.collect(names);
}

std::vector<std::string> Expression::names() const {
    std::vector<std::string> names;
    collect(names);
    return names;
}

bool Expression::holds(const Answers& answers, bool silence_counts) const {
    if (parts_.empty()) {
        const auto answer = answers.find(name_);
        if (answer == answers.end() || answer->second == Answer::none) return silence_counts;
        return answer->second == Answer::acknowledged;
    }
    std::size_t have = 0;
    for (const Expression& part : parts_) have += part.holds(answers, silence_counts) ? 1 : 0;
    return have >= needed_;
}

bool Expression::satisfied(const Answers& answers) const {
    return holds(answers, false);
}

bool Expression::hopeless(const Answers& answers) const {
    return !holds(answers, true);
}

}  // namespace weft::fault
