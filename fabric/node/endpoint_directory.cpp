#include "fabric/node/endpoint_directory.hpp"

#include <algorithm>

#include "config/endpoint.hpp"

namespace weft::fabric {

bool is_reachable_endpoint(std::string_view endpoint) {
    const auto parsed = config::Endpoint::parse(endpoint);
    return parsed && parsed->scheme == config::Endpoint::Scheme::tcp &&
           !parsed->is_wildcard_port() && !parsed->is_wildcard_host();
}

EndpointDirectory::EndpointDirectory(const std::vector<std::string>& fixed, std::string relay)
    : relay_(std::move(relay)) {
    for (const std::string& endpoint : fixed) {
        const auto parsed = config::Endpoint::parse(endpoint);
        const bool connectable =
            !parsed || !(parsed->is_wildcard_port() || parsed->is_wildcard_host());
        if (connectable && std::find(fixed_.begin(), fixed_.end(), endpoint) == fixed_.end()) {
            fixed_.push_back(endpoint);
        }
    }
}

bool EndpointDirectory::known_otherwise(const std::string& endpoint) const {
    if (endpoint == relay_ || std::find(fixed_.begin(), fixed_.end(), endpoint) != fixed_.end()) {
        return true;
    }
    const auto resolved = [&](const auto& entry) {
        return std::find(entry.second.begin(), entry.second.end(), endpoint) != entry.second.end();
    };
    return std::any_of(announced_.begin(), announced_.end(),
                       [&](const auto& entry) { return entry.second.contains(endpoint); }) ||
           std::any_of(resolved_.begin(), resolved_.end(), resolved);
}

EndpointDirectory::Changes EndpointDirectory::on_resolved(
    const std::string& name, const std::vector<std::string>& endpoints) {
    Changes changes;
    const std::vector<std::string> before = std::move(resolved_[name]);
    auto& now = resolved_[name];
    now.clear();
    for (const std::string& endpoint : endpoints) {
        if (now.size() == endpoints_per_name_max || !is_reachable_endpoint(endpoint)) {
            ++not_followed_;
            continue;
        }
        const bool connected = std::find(before.begin(), before.end(), endpoint) != before.end() ||
                               known_otherwise(endpoint);
        now.push_back(endpoint);
        if (!connected) changes.connect.push_back(endpoint);
    }
    for (const std::string& endpoint : before) {
        if (!known_otherwise(endpoint)) changes.disconnect.push_back(endpoint);
    }
    return changes;
}

EndpointDirectory::Changes EndpointDirectory::on_announcement(const std::string& name,
                                                              const std::string& endpoint,
                                                              Instant now) {
    Changes changes;
    if (!is_reachable_endpoint(endpoint)) {
        ++not_followed_;
        return changes;
    }
    if (const auto found = announced_.find(name);
        found != announced_.end() && found->second.contains(endpoint)) {
        found->second[endpoint] = now;
        return changes;
    }
    if (!announced_.contains(name) && announced_.size() >= announcers_max) {
        ++not_followed_;
        return changes;
    }
    const bool connected = known_otherwise(endpoint);
    auto& endpoints = announced_[name];
    if (endpoints.size() >= endpoints_per_name_max) {
        ++not_followed_;
        return changes;
    }
    endpoints.emplace(endpoint, now);
    if (!connected) changes.connect.push_back(endpoint);
    return changes;
}

EndpointDirectory::Changes EndpointDirectory::expire(Instant now) {
    Changes changes;
    for (auto name = announced_.begin(); name != announced_.end();) {
        auto& endpoints = name->second;
        for (auto entry = endpoints.begin(); entry != endpoints.end();) {
            if (now - entry->second <= keep) {
                ++entry;
                continue;
            }
            changes.disconnect.push_back(entry->first);
            entry = endpoints.erase(entry);
        }
        name = endpoints.empty() ? announced_.erase(name) : std::next(name);
    }
    // Two names may have announced one endpoint; it was connected once.
    std::sort(changes.disconnect.begin(), changes.disconnect.end());
    changes.disconnect.erase(std::unique(changes.disconnect.begin(), changes.disconnect.end()),
                             changes.disconnect.end());
    std::erase_if(changes.disconnect,
                  [this](const std::string& endpoint) { return known_otherwise(endpoint); });
    return changes;
}

}  // namespace weft::fabric
