#include "config/merge.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

namespace weft::config {

void merge(Value& base, Value over) {
    if (over.is_null() && base.is_map()) return;
    if (!over.is_map() || !base.is_map()) {
        base = std::move(over);
        return;
    }
    base.origin = std::move(over.origin);
    // Keys are unique within each map, so only those that base had before need to be looked for.
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < base.entries.size(); ++i) places.emplace(base.entries[i].key, i);
    for (Entry& entry : over.entries) {
        if (const auto place = places.find(entry.key); place != places.end()) {
            merge(base.entries[place->second].value, std::move(entry.value));
        } else {
            base.entries.push_back(std::move(entry));
        }
    }
}

}  // namespace weft::config
