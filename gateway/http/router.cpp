#include "gateway/http/router.hpp"

#include <algorithm>

namespace weft::gateway {

Router::Router(std::vector<Mount> mounts) : mounts_(std::move(mounts)) {
    for (Mount& mount : mounts_) {
        while (mount.prefix.ends_with('/')) mount.prefix.pop_back();
    }
    std::stable_sort(mounts_.begin(), mounts_.end(), [](const Mount& one, const Mount& other) {
        return one.prefix.size() > other.prefix.size();
    });
}

Handler* Router::find(std::string_view raw_path) const noexcept {
    const auto found = std::find_if(mounts_.begin(), mounts_.end(), [&](const Mount& mount) {
        if (!raw_path.starts_with(mount.prefix)) return false;
        const std::string_view rest = raw_path.substr(mount.prefix.size());
        return rest.empty() || rest.front() == '/';
    });
    return found == mounts_.end() ? nullptr : found->handler.get();
}

}  // namespace weft::gateway
