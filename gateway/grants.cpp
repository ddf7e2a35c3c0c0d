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

std::string reading_rights(const Principal& who) {
    if (who.everything || who.admin) return {};
    std::vector<std::string> globs;
    for (const auto& glob : who.read) globs.push_back(glob.text());
    std::sort(globs.begin(), globs.end());
    std::string rights = "may read";
    for (const std::string& glob : globs) rights += " " + glob;
    return rights;
}

bool same(const Principal& one, const Principal& other) {
    return one.name == other.name && one.publish == other.publish && one.read == other.read &&
           one.admin == other.admin && one.everything == other.everything;
}

}  // namespace weft::gateway
