#include "gateway/http/beast_core.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <random>

namespace weft::gateway {
namespace {

/// What a client may choose as the id of its request.
bool is_request_id(std::string_view text) noexcept {
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of(letters) == std::string_view::npos;
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

Turn::Turn(std::shared_ptr<Core> core_of, Request request_of, SteadyTime begin_at)
    : core(std::move(core_of)),
      request(std::move(request_of)),
      begin(begin_at),
      body_bytes(request.body.size()) {}

Turn::~Turn() {
    core->counters[Count::body_bytes] -= body_bytes;
}

}  // namespace weft::gateway
