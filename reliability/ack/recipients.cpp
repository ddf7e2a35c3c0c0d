#include "reliability/ack/recipients.hpp"

#include <algorithm>
#include <cassert>

namespace weft::reliability {

int Recipients::position(std::string_view name) const noexcept {
    const auto found = std::find(names_.begin(), names_.end(), name);
    return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
}

Recipients::Standing Recipients::judge(std::span<const Answer> answers) const {
    assert(answers.size() == names_.size());
    return empty() ? Standing::satisfied : judge(root_, answers);
}

// A name may stand in several places. Judging each place by itself is still exact: one more
// acknowledgement never makes it worse, so who has not answered can help everywhere at once.
Recipients::Standing Recipients::judge(const Node& node, std::span<const Answer> answers) const {
    if (node.name >= 0) {
        switch (answers[static_cast<std::size_t>(node.name)]) {
            case Answer::acknowledged:
                return Standing::satisfied;
            case Answer::rejected:
                return Standing::failed;
            case Answer::none:
                break;
        }
        return Standing::open;
    }
    std::size_t satisfied = 0, failed = 0;
    for (const Node& part : node.parts) {
        const Standing standing = judge(part, answers);
        if (standing == Standing::satisfied) ++satisfied;
        if (standing == Standing::failed) ++failed;
    }
    if (satisfied >= node.needed) return Standing::satisfied;
    return node.parts.size() - failed < node.needed ? Standing::failed : Standing::open;
}

std::string Recipients::text() const {
    std::string out;
    if (!empty()) write(root_, out);
    return out;
}

void Recipients::write(const Node& node, std::string& out) const {
    if (node.name >= 0) {
        out += names_[static_cast<std::size_t>(node.name)];
        return;
    }
    if (node.needed == node.parts.size()) {
        out += "all(";
    } else if (node.needed == 1) {
        out += "any(";
    } else {
        out += std::to_string(node.needed) + " of (";
    }
    for (const Node& part : node.parts) {
        if (&part != &node.parts.front()) out += ", ";
        write(part, out);
    }
    out += ')';
}

}  // namespace weft::reliability
