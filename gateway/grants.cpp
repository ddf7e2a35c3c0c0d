#include "gateway/grants.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace weft::gateway {

bool covers(const std::vector<signing::TopicGlob>& grants, const signing::TopicGlob& glob) {
    return std::any_of(grants.begin(), grants.end(), [&](const signing::TopicGlob& grant) {
        const std::string& text = grant.text();
        if (grant == glob || text == "**") return true;
        if (!text.ends_with(".**")) return false;
        const std::string_view front = std::string_view{text}.substr(0, text.size() - 3);
        if (front != grant.literal_prefix()) return false;  // a wildcard before its end
        const std::string_view literal = glob.literal_prefix();
        return literal.starts_with(front) &&
               (literal.size() == front.size() || literal[front.size()] == '.');
    });
}

}  // namespace weft::gateway
