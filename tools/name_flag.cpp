#include "tools/name_flag.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/refusal.hpp"
#include "tools/context.hpp"

namespace weft::tools {
namespace {

bool allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// The first byte that makes the name invalid; name.size() if it is the end that does.
std::size_t first_bad(std::string_view name) {
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (!allowed(name[i])) return i;
        const bool dot_before = i == 0 || name[i - 1] == '.';
        if (name[i] == '.' && (dot_before || i + 1 == name.size())) return i;
    }
    return name.size();
}

/// Characters, not bytes, from 1, as somebody counts who looks at the screen.
std::size_t character_number(std::string_view text, std::size_t byte) {
    std::size_t number = 1;
    for (const char c : text.substr(0, byte)) {
        if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++number;
    }
    return number;
}

std::string user_name() {
    std::array<char, 4096> buffer;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
        found != nullptr) {
        return entry.pw_name;
    }
    return "user" + std::to_string(::geteuid());  // a container without an entry for its user
}

std::string short_host() {
    std::array<char, 256> buffer{};
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return {};
    const std::string host = buffer.data();
    return host.substr(0, host.find('.'));
}

}  // namespace

std::string name_complaint(std::string_view name) {
    std::string wrong = signing::name_error(name);
    if (wrong.empty()) return {};
    const std::size_t bad = first_bad(name);
    if (bad == name.size()) return wrong;  // empty, or too long
    return "character " + std::to_string(character_number(name, bad)) + ": " + wrong;
}

void require_name(const std::string& argument, std::string_view name) {
    const std::string wrong = name_complaint(name);
    if (!wrong.empty()) {
        throw usage_error(argument + " '" + signing::escape(name) + "': " + wrong);
    }
}

std::string cleaned_name(std::string_view text, std::string_view fallback) {
    // Two such parts and a dot between them still fit into a name.
    constexpr std::size_t part_bytes_max = 90;
    std::string clean;
    for (char c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (!allowed(c)) c = '-';
        if (c == '.' && (clean.empty() || clean.back() == '.')) continue;
        clean += c;
    }
    if (clean.size() > part_bytes_max) clean.resize(part_bytes_max);
    while (!clean.empty() && clean.back() == '.') clean.pop_back();
    return clean.empty() ? std::string(fallback) : clean;
}

std::string default_name() {
    return cleaned_name(user_name(), "user") + "." + cleaned_name(short_host(), "host");
}

}  // namespace weft::tools
