#include "gateway/http/asio_core.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <random>

#include "gateway/http/trace_parent.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway {
namespace {

/// What a client may choose as the id of its request.
bool is_request_id(std::string_view text) noexcept {
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of(letters) == std::string_view::npos;
}

std::string joined(const std::vector<std::string_view>& values) {
    std::string all;
    for (const std::string_view value : values) {
        if (!all.empty()) all += ',';
        all += value;
    }
    return all;
}

/// The client's, or one of our own.
std::string trace_of(const Request& request) {
    if (auto given = trace_parent(request.headers)) return *given;
    std::array<char, 24> random{};
    signing::random_bytes(random.data(), random.size());
    return made_trace_parent({random.data(), random.size()});
}

}  // namespace

Core::Core(const ServerSettings& settings)
    : limits(settings.limits), on_access(settings.on_access), tls(settings.tls) {
    std::random_device random;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(random()));
    id_prefix_ = std::string{text.data()} + "-";
}

std::string Core::next_request_id() {
    std::array<char, 20> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), ++ids_, 16).ptr;
    std::string id;
    id.reserve(id_prefix_.size() + text.size());
    id += id_prefix_;
    return id.append(text.data(), end);
}

std::string Core::request_id(const Headers& headers) {
    const auto wanted = headers.find("X-Request-Id");
    return wanted && is_request_id(*wanted) ? std::string{*wanted} : next_request_id();
}

void Core::record(const Request& request, std::string_view request_id, unsigned status,
                  std::uint64_t bytes, std::chrono::microseconds took) const {
    if (!on_access) return;
    const std::string token = request.caller ? request.caller->get() : "";
    const std::string forwarded_for = joined(request.headers.all("X-Forwarded-For"));
    const std::string traceparent = trace_of(request);
    AccessRecord record;
    record.method = request.method;
    record.target = request.target;
    record.peer = request.peer;
    record.request_id = request_id;
    record.listener = request.listener;
    record.token = token;
    record.forwarded_for = forwarded_for;
    record.traceparent = traceparent;
    record.version = request.version;
    record.status = status;
    record.bytes = bytes;
    record.took = took;
    on_access(record);
}

Turn::Turn(std::shared_ptr<Core> core_of, Request request_of, SteadyTime begin_at)
    : core(std::move(core_of)),
      request(std::move(request_of)),
      begin(begin_at),
      body_bytes(request.body.size()) {}

Turn::~Turn() {
    core->counters[Count::body_bytes] -= body_bytes;
}

}  // namespace weft::gateway
