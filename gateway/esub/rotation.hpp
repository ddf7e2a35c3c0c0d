#pragma once
// Who is next: members take turns in the order in which they joined, and go on behind the one that
// was served last, whoever joins or leaves. Pure state machine. Threads: one at a time.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weft::gateway::esub {

template <typename Member>
class Rotation {
public:
    void join(std::uint64_t id, Member member) { members_.emplace_back(id, std::move(member)); }
    /// False: no such member.
    bool leave(std::uint64_t id) {
        const auto found = std::find_if(members_.begin(), members_.end(),
                                        [&](const auto& member) { return member.first == id; });
        if (found == members_.end()) return false;
        const auto place = static_cast<std::size_t>(found - members_.begin());
        members_.erase(found);
        if (place < next_) --next_;
        return true;
    }
    [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
    /// Not of an empty one.
    [[nodiscard]] const Member& next() {
        if (next_ >= members_.size()) next_ = 0;
        return members_[next_++].second;
    }
    [[nodiscard]] const std::vector<std::pair<std::uint64_t, Member>>& members() const noexcept {
        return members_;
    }

private:
    std::vector<std::pair<std::uint64_t, Member>> members_;
    std::size_t next_ = 0;
};

}  // namespace weft::gateway::esub
