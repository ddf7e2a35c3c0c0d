#include "gateway/native/route_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gateway/problem.hpp"

namespace weft::gateway::native {
namespace {

bool is_open(const std::string& segment) {
    return segment.starts_with('{');
}

}  // namespace

void RouteTable::add(const std::string& method, const std::string& path, Serve serve) {
    auto segments = path_segments(path);
    assert(segments && "a template is a path");
    entries_.push_back({{method, path}, std::move(*segments), std::move(serve)});
}

bool RouteTable::fits(const Entry& entry, const std::vector<std::string>& path) {
    return entry.segments.size() == path.size() &&
           std::equal(path.begin(), path.end(), entry.segments.begin(),
                      [](const std::string& asked, const std::string& segment) {
                          return is_open(segment) || asked == segment;
                      });
}

void RouteTable::serve(const std::vector<std::string>& path, Asked asked) const {
    const Request& request = asked.request();
    const std::string& method = request.method == "HEAD" ? "GET" : request.method;
    const Entry* found = nullptr;
    std::vector<std::string> allowed;
    const auto closer = [](const Entry& one, const Entry& other) {
        return std::lexicographical_compare(
            one.segments.begin(), one.segments.end(), other.segments.begin(), other.segments.end(),
            [](const auto& mine, const auto& theirs) { return !is_open(mine) && is_open(theirs); });
    };
    for (const Entry& entry : entries_) {
        if (!fits(entry, path)) continue;
        allowed.push_back(entry.route.method);
        if (entry.route.method != method) continue;
        if (found == nullptr || closer(entry, *found)) found = &entry;
    }
    if (found != nullptr) {
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (is_open(found->segments[i])) asked.values.push_back(path[i]);
        }
        return found->serve(asked);
    }
    if (allowed.empty()) {
        return refuse(asked.exchange, 404,
                      "nothing is here; the routes are below /v1, and /openapi.json has them all");
    }
    std::string allow;
    for (const std::string& one : allowed) {
        allow += (allow.empty() ? "" : ", ") + (one == "GET" ? "GET, HEAD" : one);
    }
    Response response = problem(405, "allowed here: " + allow, request);
    response.headers.set("Allow", allow);
    asked.exchange->answer(std::move(response));
}

std::vector<RouteTable::Route> RouteTable::routes() const {
    std::vector<Route> all;
    for (const Entry& entry : entries_) all.push_back(entry.route);
    return all;
}

}  // namespace weft::gateway::native
