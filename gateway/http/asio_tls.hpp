#pragma once
// The TLS context of connections from now on: TLS 1.2 at least, no renegotiation.
// Threads: any.

#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>

#include "gateway/http/asio.hpp"
#include "gateway/http/server.hpp"

namespace weft::gateway {

class TlsKeeper {
public:
    /// Nothing is configured: current() is nullptr.
    explicit TlsKeeper(TlsSettings settings) : settings_(std::move(settings)) {}

    /// Reads the files. The error names the file; what was read before stays.
    [[nodiscard]] tl::expected<void, std::string> load();
    [[nodiscard]] std::shared_ptr<asio::ssl::context> current() const;
    [[nodiscard]] bool is_configured() const { return !settings_.certificate.empty(); }
    [[nodiscard]] bool is_only() const { return settings_.only; }

private:
    TlsSettings settings_;
    mutable std::mutex mutex_;
    std::shared_ptr<asio::ssl::context> current_;
};

}  // namespace weft::gateway
