#include "reliability/hub/program_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

constexpr std::array<std::string_view, 8> passed_on{"PATH", "HOME", "USER",   "LOGNAME",
                                                    "LANG", "TZ",   "TMPDIR", "XDG_RUNTIME_DIR"};

std::string_view name_of(std::string_view entry) {
    return entry.substr(0, entry.find('='));
}

bool is_passed_on(std::string_view name) {
    return name.starts_with("LC_") ||
           std::find(passed_on.begin(), passed_on.end(), name) != passed_on.end();
}

bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool is_name(std::string_view name) {
    return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9');
    });
}

}  // namespace

std::vector<std::string> program_environment(const std::vector<std::string>& given) {
    std::vector<std::string> all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view name = name_of(*entry);
        if (!is_passed_on(name)) continue;
        if (std::none_of(given.begin(), given.end(),
                         [&](const std::string& text) { return name_of(text) == name; })) {
            all.emplace_back(*entry);
        }
    }
    all.insert(all.end(), given.begin(), given.end());
    return all;
}

std::vector<std::string> consumer_environment(const ConsumerSettings& settings,
                                              std::string_view hub_name) {
    std::vector<std::string> all{"WEFT_CONSUMER=" + settings.name,
                                 "WEFT_HUB=" + std::string{hub_name}};
    for (const auto& [name, value] : settings.environment) all.push_back(name + "=" + value);
    return all;
}

std::string variable_name_error(std::string_view name) {
    if (!is_name(name)) {
        return "'" + signing::escape(name) +
               "' is no name of an environment variable: letters, digits and _, no digit first";
    }
    if (name.starts_with("WEFT_")) {
        return "names that begin with WEFT_ are weft's own; what the consumer is to be told "
               "belongs "
               "into its settings, or under another name";
    }
    return {};
}

}  // namespace weft::reliability::hub
