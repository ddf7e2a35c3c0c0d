#pragma once
// GET /metrics, /healthz, /readyz. Threads: those of the server; the functions are called by them.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/prefixed.hpp"
#include "gateway/metrics/exposition.hpp"

namespace weft::gateway {

class MetricsHandler final : public PrefixedHandler {
public:
    struct Parts {
        std::function<Figures()> figures;
        /// "", or why not, as a sentence.
        std::function<std::string()> not_ready;
    };
    explicit MetricsHandler(Parts parts) : parts_(std::move(parts)) {}

    void handle_below(std::string_view prefix, const std::shared_ptr<Exchange>& exchange) override;

private:
    const Parts parts_;
};

}  // namespace weft::gateway
