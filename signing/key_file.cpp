#include "signing/key_file.hpp"

#include <algorithm>
#include <cassert>

namespace weft::signing {
namespace {

constexpr std::string_view magic = "WSK1";
constexpr char suite = 1;
constexpr char not_sealed = 0;
constexpr std::size_t content_bytes = magic.size() + 2 + KeyPair::seed_bytes;
/// A key's text has some 120 bytes; this leaves room for what K2 may add.
constexpr std::size_t key_text_bytes_max = 4096;

bool is_private(ArmorLabel label) {
    return label == ArmorLabel::signing_key || label == ArmorLabel::ca_key;
}

std::string about(const std::filesystem::path& file, std::string_view what) {
    return "'" + file.string() + "' is not usable: " + std::string(what) + ".";
}

/// The seed within a key's content, or what is wrong with it.
tl::expected<std::string_view, std::string> seed_in(std::string_view content) {
    if (content.substr(0, magic.size()) != magic) {
        return tl::make_unexpected("it does not start with the mark of a key");
    }
    if (content.size() < content_bytes) return tl::make_unexpected("it ends too early");
    if (content[magic.size()] != suite) {
        return tl::make_unexpected("its signature suite is not known; only suite 1 is");
    }
    if (content[magic.size() + 1] != not_sealed) {
        return tl::make_unexpected(
            "it is sealed with a passphrase, which this version cannot open");
    }
    if (content.size() > content_bytes) {
        return tl::make_unexpected("something follows after its end");
    }
    return content.substr(magic.size() + 2);
}

}  // namespace

tl::expected<KeyPair, std::string> read_key_file(const std::filesystem::path& file,
                                                 ArmorLabel label) {
    assert(is_private(label));
    const auto text = read_private_file(file, key_text_bytes_max);
    if (!text) return tl::make_unexpected(text.error());
    auto key = read_key_text(*text, label);
    if (!key) return tl::make_unexpected(about(file, key.error()));
    return key;
}

tl::expected<KeyPair, std::string> read_key_text(const Secret& text, ArmorLabel label) {
    assert(is_private(label));
    const auto content = unarmor_secret(label, text);
    if (!content) return tl::make_unexpected(content.error());
    const auto seed = seed_in(content->reveal());
    if (!seed) return tl::make_unexpected(seed.error());
    return KeyPair::from_seed(*seed);
}

tl::expected<void, std::string> write_key_file(const std::filesystem::path& file,
                                               const KeyPair& key, ArmorLabel label,
                                               WhenFileExists when) {
    assert(is_private(label));
    Secret content(content_bytes);
    char* end = std::copy(magic.begin(), magic.end(), content.data());
    *end++ = suite;
    *end++ = not_sealed;
    const Secret seed = key.seed();
    seed.reveal().copy(end, seed.size());
    return write_file(file, armor_secret(label, content).reveal(), 0600, when);
}

tl::expected<std::string, std::string> read_armored_file(const std::filesystem::path& file,
                                                         ArmorLabel label,
                                                         std::size_t content_bytes_max) {
    assert(!is_private(label));
    // Base64 makes 4 of 3, the line ends add a little, and the two lines are short.
    const auto text = read_file(file, content_bytes_max / 2 * 3 + 256);
    if (!text) return tl::make_unexpected(text.error());
    auto content = unarmor(label, *text);
    if (!content) return tl::make_unexpected(about(file, content.error()));
    if (content->size() > content_bytes_max) {
        return tl::make_unexpected(
            about(file, "it holds more than " + std::to_string(content_bytes_max) + " bytes"));
    }
    return std::move(*content);
}

tl::expected<void, std::string> write_armored_file(const std::filesystem::path& file,
                                                   ArmorLabel label, std::string_view content,
                                                   WhenFileExists when) {
    assert(!is_private(label));
    return write_file(file, armor(label, content), 0644, when);
}

}  // namespace weft::signing
