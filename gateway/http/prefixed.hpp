#pragma once
// A handler that may be mounted below a prefix, or below several: it serves the same paths behind
// each of them. Threads: as Handler.

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/http/exchange.hpp"

namespace weft::gateway {

class PrefixedHandler : public Handler {
public:
    void handle(std::shared_ptr<Exchange> exchange) final { handle_below({}, exchange); }
    /// The path of the request begins with `prefix`, as it was sent; "" or such as "/x".
    virtual void handle_below(std::string_view prefix,
                              const std::shared_ptr<Exchange>& exchange) = 0;
};

/// What is mounted at `prefix` for it.
class BelowPrefix final : public Handler {
public:
    BelowPrefix(std::shared_ptr<PrefixedHandler> served, std::string prefix)
        : served_(std::move(served)), prefix_(std::move(prefix)) {}

    void handle(std::shared_ptr<Exchange> exchange) override {
        assert(exchange->request().raw_path().starts_with(prefix_));
        served_->handle_below(prefix_, exchange);
    }
    [[nodiscard]] std::optional<Response> refuse_early(const Request& head) override {
        return served_->refuse_early(head);
    }
    [[nodiscard]] std::optional<Response> on_body_cut_short(const Request& head) override {
        return served_->on_body_cut_short(head);
    }
    void stop() override { served_->stop(); }

private:
    const std::shared_ptr<PrefixedHandler> served_;
    const std::string prefix_;
};

}  // namespace weft::gateway
