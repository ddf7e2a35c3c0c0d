#include "gateway/metrics/metrics_handler.hpp"

#include <utility>

namespace weft::gateway {
namespace {

constexpr const char* exposition_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* plain = "text/plain; charset=utf-8";

}  // namespace

void MetricsHandler::handle_below(std::string_view prefix,
                                  const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") {
        Response response = Response::of(405, plain, "GET and HEAD are allowed here\n");
        response.headers.set("Allow", "GET, HEAD");
        return exchange->answer(std::move(response));
    }
    const std::string_view path = request.raw_path().substr(prefix.size());
    if (path == "/metrics") {
        return exchange->answer(Response::of(200, exposition_type, parts_.figures().text()));
    }
    if (path == "/healthz") return exchange->answer(Response::of(200, plain, "ok\n"));
    if (path == "/readyz") {
        const std::string why = parts_.not_ready();
        Response response = Response::of(why.empty() ? 200 : 503, plain,
                                         why.empty() ? "ready\n" : "not ready: " + why + "\n");
        if (!why.empty()) response.headers.set("Retry-After", "1");
        return exchange->answer(std::move(response));
    }
    exchange->answer(Response::of(404, plain, "/metrics, /healthz and /readyz are here\n"));
}

}  // namespace weft::gateway
