#pragma once
// Signatures of webhooks as Standard Webhooks has them (rule W1): over `id.timestamp.body`, the
// body byte for byte as it is sent. `v1` is HMAC-SHA256 with a secret that both sides hold, `v1a`
// is Ed25519, which receivers check with a public key. No byte of ours is signed this way but such
// requests: the keys are a webhook's own (S2).
//
//     whsec_BASE64   a secret of v1, 24 to 64 random bytes
//     whsk_BASE64    a private key of v1a: seed and public key, 64 bytes
//     whpk_BASE64    its public key, 32 bytes
//
// Threads: values; const use from any thread. Errors: sentences, without any part of a secret.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/key_pair.hpp"
#include "signing/secret.hpp"
#include "signing/signature.hpp"

namespace weft::signing {

/// The bytes that are signed. `id` has no '.', or other parts could be moved across it.
[[nodiscard]] std::string webhook_content(std::string_view id, std::uint64_t timestamp_s,
                                          std::string_view body);

class WebhookSecret {
public:
    static constexpr std::size_t bytes_min = 24, bytes_max = 64, bytes_made = 32;

    [[nodiscard]] static WebhookSecret generate();
    /// Of whsec_BASE64.
    [[nodiscard]] static tl::expected<WebhookSecret, std::string> parse(std::string_view text);
    [[nodiscard]] std::string reveal() const;  ///< whsec_BASE64: for the owner, and to keep.
    /// "v1,BASE64".
    [[nodiscard]] std::string sign(std::string_view content) const;

private:
    explicit WebhookSecret(Secret bytes) : bytes_(std::move(bytes)) {}
    Secret bytes_;
};

class WebhookKey {
public:
    [[nodiscard]] static WebhookKey generate();
    /// Of whsk_BASE64, 64 bytes whose halves belong together, or 32 of a seed alone.
    [[nodiscard]] static tl::expected<WebhookKey, std::string> parse(std::string_view text);
    [[nodiscard]] std::string reveal() const;      ///< whsk_BASE64: to keep.
    [[nodiscard]] std::string public_key() const;  ///< whpk_BASE64: for anybody.
    /// "v1a,BASE64".
    [[nodiscard]] std::string sign(std::string_view content) const;

private:
    explicit WebhookKey(KeyPair pair) : pair_(std::move(pair)) {}
    KeyPair pair_;
};

/// What a receiver does: one of the signatures in the header, which are separated by spaces, holds.
/// `key` is whsec_… or whpk_…; those of another kind are passed over. It does not look at the age.
[[nodiscard]] bool webhook_signature_holds(std::string_view key, std::string_view header,
                                           std::string_view content);

}  // namespace weft::signing
