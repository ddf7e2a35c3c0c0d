#pragma once
// Which function serves a method and a path. Paths are templates, "/v1/events/{id}/children"; where
// several fit, the one with literal text further in front does. HEAD is served as GET is.
//
// Threads: filled by one, then read by any.
// Errors:  404 and 405 are answered here; what was served is the functions' business.

#include <functional>
#include <string>
#include <vector>

#include "gateway/http/uri.hpp"
#include "gateway/native/journal_answers.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::native {

/// A request whose path fits.
struct Asked {
    SharedExchange exchange;
    Query query;
    Principal who;
    std::vector<std::string> values;  ///< Of the {names} of the template, in their order; decoded.
    std::string prefix{};             ///< In front of the path, where it is mounted below one.

    [[nodiscard]] const Request& request() const { return exchange->request(); }
};

class RouteTable {
public:
    using Serve = std::function<void(const Asked&)>;
    struct Route {
        std::string method, path;
    };

    void add(const std::string& method, const std::string& path, Serve serve);
    /// `path` is that of the request, in decoded segments.
    void serve(const std::vector<std::string>& path, Asked asked) const;
    /// In the order in which they were added.
    [[nodiscard]] std::vector<Route> routes() const;

private:
    struct Entry {
        Route route;
        std::vector<std::string> segments;  ///< "{…}" takes any.
        Serve serve;
    };
    [[nodiscard]] static bool fits(const Entry& entry, const std::vector<std::string>& path);

    std::vector<Entry> entries_;
};

}  // namespace weft::gateway::native
