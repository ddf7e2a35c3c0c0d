#include "config/schema.hpp"

#include <algorithm>

namespace weft::config {

const Schema* Schema::find(std::string_view key) const noexcept {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const Schema& known) { return known.name == key; });
    return found == keys.end() ? nullptr : &*found;
}

}  // namespace weft::config
