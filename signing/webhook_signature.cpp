#include "signing/webhook_signature.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

constexpr std::string_view secret_prefix = "whsec_", key_prefix = "whsk_", public_prefix = "whpk_";
constexpr std::string_view v1 = "v1,", v1a = "v1a,";

/// Nothing: another prefix, no base64, or more bytes than `bytes_max`.
std::optional<Secret> secret_of(std::string_view prefix, std::string_view text,
                                std::size_t bytes_max) {
    if (!text.starts_with(prefix)) return std::nullopt;
    Secret bytes(bytes_max);
    const auto count = from_base64(text.substr(prefix.size()), bytes.data(), bytes_max);
    if (!count) return std::nullopt;
    bytes.shrink_to(*count);
    return bytes;
}

std::string with_prefix(std::string_view prefix, std::string_view bytes) {
    return std::string{prefix} + to_base64(bytes);
}

std::string_view view_of(const PublicKey& key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

/// One of the signatures of this version fulfils `holds`.
template <class Holds>
bool any_of_version(std::string_view version, std::string_view header, Holds holds) {
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(' '), header.size());
        const std::string_view one = header.substr(0, end);
        if (one.starts_with(version) && holds(one)) return true;
        header.remove_prefix(std::min(end + 1, header.size()));
    }
    return false;
}

}  // namespace

std::string webhook_content(std::string_view id, std::uint64_t timestamp_s, std::string_view body) {
    std::string content{id};
    content += "." + std::to_string(timestamp_s) + ".";
    content += body;
    return content;
}

WebhookSecret WebhookSecret::generate() {
    return WebhookSecret(Secret::random(bytes_made));
}

tl::expected<WebhookSecret, std::string> WebhookSecret::parse(std::string_view text) {
    auto bytes = secret_of(secret_prefix, text, bytes_max);
    if (!bytes || bytes->size() < bytes_min) {
        return tl::make_unexpected(
            std::string{"a secret of a webhook is whsec_ and the base64 of 24 to 64 random bytes"});
    }
    return WebhookSecret(std::move(*bytes));
}

std::string WebhookSecret::reveal() const {
    return with_prefix(secret_prefix, bytes_.reveal());
}

std::string WebhookSecret::sign(std::string_view content) const {
    const auto code = hmac_sha256(bytes_.reveal(), content);
    return with_prefix(v1, {reinterpret_cast<const char*>(code.data()), code.size()});
}

WebhookKey WebhookKey::generate() {
    return WebhookKey(KeyPair::generate());
}

tl::expected<WebhookKey, std::string> WebhookKey::parse(std::string_view text) {
    constexpr std::size_t both = KeyPair::seed_bytes + std::tuple_size_v<PublicKey>;
    const auto bytes = secret_of(key_prefix, text, both);
    if (!bytes || (bytes->size() != KeyPair::seed_bytes && bytes->size() != both)) {
        return tl::make_unexpected(
            std::string{"a private key of a webhook is whsk_ and the base64 of 64 bytes, the seed "
                        "and the public key"});
    }
    WebhookKey key(KeyPair::from_seed(bytes->reveal().substr(0, KeyPair::seed_bytes)));
    if (bytes->size() == both &&
        bytes->reveal().substr(KeyPair::seed_bytes) != view_of(key.pair_.public_key())) {
        return tl::make_unexpected(
            std::string{"the halves of this whsk_ key do not belong together: copy it whole"});
    }
    return key;
}

std::string WebhookKey::reveal() const {
    const Secret seed = pair_.seed();
    Secret both(seed.size() + pair_.public_key().size());
    std::copy_n(seed.reveal().data(), seed.size(), both.data());
    std::copy_n(view_of(pair_.public_key()).data(), pair_.public_key().size(),
                both.data() + seed.size());
    return with_prefix(key_prefix, both.reveal());
}

std::string WebhookKey::public_key() const {
    return with_prefix(public_prefix, view_of(pair_.public_key()));
}

std::string WebhookKey::sign(std::string_view content) const {
    return with_prefix(v1a, bytes_of(pair_.sign(content)));
}

bool webhook_signature_holds(std::string_view key, std::string_view header,
                             std::string_view content) {
    if (const auto secret = WebhookSecret::parse(key)) {
        const std::string expected = secret->sign(content);
        return any_of_version(v1, header, [&](std::string_view one) {
            return equal_in_constant_time(one, expected);
        });
    }
    PublicKey public_key{};
    const auto bytes = key.starts_with(public_prefix)
                           ? from_base64(key.substr(public_prefix.size()))
                           : std::nullopt;
    if (!bytes || bytes->size() != public_key.size()) return false;
    std::copy_n(bytes->data(), bytes->size(), reinterpret_cast<char*>(public_key.data()));
    return any_of_version(v1a, header, [&](std::string_view one) {
        const auto signature = from_base64(one.substr(v1a.size()));
        return signature && verify_signature(*signature, content, public_key);
    });
}

}  // namespace weft::signing
