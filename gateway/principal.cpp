#include "gateway/principal.hpp"

#include <algorithm>

namespace weft::gateway {
namespace {

bool any_matches(const std::vector<signing::TopicGlob>& globs, std::string_view topic) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const auto& glob) { return glob.matches(topic); });
}

}  // namespace

bool Principal::may_publish(std::string_view topic) const {
    return everything || admin || any_matches(publish, topic);
}

bool Principal::may_read(std::string_view topic) const {
    return everything || admin || any_matches(read, topic);
}

std::string Principal::via() const {
    return "http:" + (name.empty() ? std::string{"anonymous"} : name);
}

}  // namespace weft::gateway
