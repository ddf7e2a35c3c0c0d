#include "fabric/restart_notes.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace weft::fabric {
namespace {

using config::Value;

constexpr std::array<std::string_view, 6> read_at_start{
    "topic_prefix", "environment", "name", "fabric", "signing", "reliability"};
/// In force at once.
constexpr std::array<std::string_view, 3> read_again{"signing.policy", "signing.nitpicky",
                                                     "signing.revocation_expired"};

std::string note(const std::string& key, const Value* now) {
    std::string where = " was removed";
    if (now != nullptr) {
        where = now->origin.kind == config::Origin::Kind::defaults
                    ? " changed to its default"
                    : " changed at " + now->origin.text();
    }
    return key + where + ": takes effect at the next start";
}

void compare(const std::string& key, const Value* before, const Value* now,
             std::vector<std::string>& notes) {
    if (std::find(read_again.begin(), read_again.end(), key) != read_again.end()) return;
    if (before == nullptr && now == nullptr) return;
    if (before != nullptr && now != nullptr && before->same_content(*now)) return;
    if (before == nullptr || now == nullptr || !before->is_map() || !now->is_map()) {
        notes.push_back(note(key, now));
        return;
    }
    std::set<std::string> names;
    for (const config::Entry& entry : before->entries) names.insert(entry.key);
    for (const config::Entry& entry : now->entries) names.insert(entry.key);
    for (const std::string& name : names) {
        std::string inner = key;
        inner.append(".").append(name);
        compare(inner, before->find(name), now->find(name), notes);
    }
}

}  // namespace

std::vector<std::string> RestartNotes::on_reload(const config::Configuration& now) {
    std::vector<std::string> notes;
    for (const std::string_view key : read_at_start) {
        compare(std::string{key}, running_.root().find(key), now.root().find(key), notes);
    }
    std::vector<std::string> fresh;
    std::copy_if(notes.begin(), notes.end(), std::back_inserter(fresh), [&](const auto& line) {
        return std::find(said_.begin(), said_.end(), line) == said_.end();
    });
    said_ = std::move(notes);
    return fresh;
}

}  // namespace weft::fabric
