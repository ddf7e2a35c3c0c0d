#include "tests/support/key_canary.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <stdexcept>

#include "signing/digest.hpp"
#include "signing/key_file.hpp"
#include "signing/sodium.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::testing {
namespace {

/// Half a key is a leak, too. So many characters do not meet by chance.
constexpr std::size_t part_characters = 16;

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

std::string url_alphabet(std::string text) {
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

}  // namespace

void KeyCanary::learn(const std::filesystem::path& directory) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        const std::filesystem::path ending = entry.path().extension();
        if (ending == ".key" || ending == ".ca-key") learn_file(entry.path());
    }
}

void KeyCanary::learn_file(const std::filesystem::path& file) {
    const auto label =
        file.extension() == ".key" ? signing::ArmorLabel::signing_key : signing::ArmorLabel::ca_key;
    const auto key = signing::read_key_file(file, label);
    if (!key) throw std::runtime_error(key.error());
    const std::string seed(key->seed().reveal());
    add(seed);
    add(signing::hex(seed));
    add(upper(signing::hex(seed)));
    // In base64 a key looks different by what stands before it.
    for (const std::size_t before : {0U, 1U, 2U}) {
        std::string text = signing::to_base64(std::string(before, 'x') + seed);
        if (before > 0) text.erase(0, 4);
        text.resize(40);  // without what the bytes behind the key have a share in
        add(text);
        add(url_alphabet(text));
    }
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line);) {
        if (line.find("-----") == std::string::npos) add(line);
    }
}

void KeyCanary::add(std::string_view whole) {
    for (std::size_t at = 0; at + part_characters <= whole.size(); at += part_characters) {
        parts_.emplace(whole.substr(at, part_characters));
    }
}

std::size_t KeyCanary::count_in(std::string_view text) const {
    return static_cast<std::size_t>(std::count_if(
        parts_.begin(), parts_.end(),
        [&](const std::string& part) { return text.find(part) != std::string_view::npos; }));
}

}  // namespace weft::testing
