#include "signing/sodium.hpp"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace weft::signing {
namespace {

constexpr int base64_variant = sodium_base64_VARIANT_ORIGINAL;

const unsigned char* raw(const char* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(char* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

}  // namespace

static_assert(std::tuple_size_v<PublicKey> == crypto_sign_PUBLICKEYBYTES);
static_assert(std::tuple_size_v<Signature> == crypto_sign_BYTES);

void init_sodium() {
    static const bool started = sodium_init() >= 0;  // 0 the first time, 1 if somebody else did it
    if (!started) throw std::runtime_error("libsodium cannot start: it finds no random generator.");
}

void random_bytes(char* out, std::size_t count) {
    init_sodium();
    randombytes_buf(out, count);
}

void to_base64(std::string_view bytes, char* out) {
    init_sodium();
    // libsodium writes a closing zero, for which the caller's memory has no room.
    std::vector<char> text(base64_bytes(bytes.size()) + 1);
    sodium_bin2base64(text.data(), text.size(), raw(bytes.data()), bytes.size(), base64_variant);
    std::copy(text.begin(), text.end() - 1, out);
    sodium_memzero(text.data(), text.size());
}

std::string to_base64(std::string_view bytes) {
    std::string text(base64_bytes(bytes.size()), '\0');
    to_base64(bytes, text.data());
    return text;
}

std::optional<std::size_t> from_base64(std::string_view text, char* out,
                                       std::size_t out_bytes_max) {
    init_sodium();
    // libsodium looks for ignored characters with strchr(), which finds a zero byte in any text.
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    std::size_t bytes = 0;
    const char* end = nullptr;
    const int result = sodium_base642bin(raw(out), out_bytes_max, text.data(), text.size(), "\r\n",
                                         &bytes, &end, base64_variant);
    if (result != 0 || end != text.data() + text.size()) return std::nullopt;
    return bytes;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    const auto count = from_base64(text, bytes.data(), bytes.size());
    if (!count) return std::nullopt;
    bytes.resize(*count);
    return bytes;
}

void wipe(void* bytes, std::size_t count) noexcept {
    sodium_memzero(bytes, count);
}

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message) {
    init_sodium();
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, raw(key.data()), key.size());
    crypto_auth_hmacsha256_update(&state, raw(message.data()), message.size());
    std::array<std::uint8_t, 32> code{};
    static_assert(sizeof code == crypto_auth_hmacsha256_BYTES);
    crypto_auth_hmacsha256_final(&state, code.data());
    sodium_memzero(&state, sizeof state);
    return code;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void ed25519_key_pair(const char* seed, PublicKey& public_key, char* secret_key) {
    init_sodium();
    crypto_sign_seed_keypair(public_key.data(), raw(secret_key), raw(seed));
}

PublicKey curve25519_public_key(const char* secret_key) {
    static_assert(std::tuple_size_v<PublicKey> == crypto_scalarmult_BYTES);
    init_sodium();
    PublicKey public_key;
    crypto_scalarmult_base(public_key.data(), raw(secret_key));
    return public_key;
}

Signature ed25519_sign(const char* secret_key, std::string_view message) {
    Signature signature;
    crypto_sign_detached(signature.data(), nullptr, raw(message.data()), message.size(),
                         raw(secret_key));
    return signature;
}

bool verify_signature(std::string_view signature, std::string_view message, const PublicKey& key) {
    init_sodium();
    return signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(raw(signature.data()), raw(message.data()), message.size(),
                                       key.data()) == 0;
}

bool verify_signature(const Signature& signature, std::string_view message, const PublicKey& key) {
    return verify_signature(bytes_of(signature), message, key);
}

}  // namespace weft::signing
