#include "gateway/http/asio_tls.hpp"

#include <openssl/ssl.h>

#include <array>
#include <string_view>

namespace weft::gateway {
namespace {

/// Only HTTP/1.1 is spoken here; a client that offers other protocols alone is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void*) {
    static constexpr std::array<unsigned char, 9> ours = {8,   'h', 't', 't', 'p',
                                                          '/', '1', '.', '1'};
    unsigned char* found = nullptr;
    if (::SSL_select_next_proto(&found, chosen_bytes, ours.data(), ours.size(), offered,
                                offered_bytes) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

std::string failure(std::string_view what, const std::string& file, const SocketError& error) {
    return "the TLS " + std::string{what} + " '" + file + "' cannot be used: " + error.message();
}

}  // namespace

tl::expected<void, std::string> TlsKeeper::load() {
    if (!is_configured()) {
        if (!settings_.only) return {};
        return tl::make_unexpected(
            std::string{"gateway.tls.only needs gateway.tls.certificate and gateway.tls.key"});
    }
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    ::SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    ::SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    ::SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
    SocketError error;
    context->use_certificate_chain_file(settings_.certificate, error);
    if (error) return tl::make_unexpected(failure("certificate", settings_.certificate, error));
    context->use_private_key_file(settings_.key, asio::ssl::context::pem, error);
    if (error) return tl::make_unexpected(failure("key", settings_.key, error));
    if (::SSL_CTX_check_private_key(native) != 1) {
        return tl::make_unexpected("the TLS key '" + settings_.key +
                                   "' does not belong to the certificate '" +
                                   settings_.certificate + "'");
    }
    const std::lock_guard lock(mutex_);
    current_ = std::move(context);
    return {};
}

std::shared_ptr<asio::ssl::context> TlsKeeper::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

}  // namespace weft::gateway
