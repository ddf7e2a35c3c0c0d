#include "tools/journal_parts.hpp"

#include <fmt/format.h>

#include <array>

#include "config/section.hpp"
#include "signing/refusal.hpp"
#include "signing/settings.hpp"
#include "tools/journal_command.hpp"

namespace weft::tools {

void JournalFlags::add_to(CLI::App& app) {
    app.add_option("--path", path, "Where it lies (default: reliability.journal.path)")
        ->type_name("DIR");
}

std::unique_ptr<reliability::Journal> open_own_journal(Context& context, const JournalFlags& flags,
                                                       reliability::JournalAccess access) {
    reliability::JournalSettings settings = reliability_settings(context).journal;
    if (!flags.path.empty()) settings.path = flags.path;
    auto journal = reliability::open_journal(settings, access);
    if (journal) return std::move(*journal);
    throw failure(journal.error().sentence);
}

std::shared_ptr<signing::TrustStore> own_trust(Context& context) {
    config::Problems problems;
    const auto settings =
        signing::read_settings(config::Section(context.configuration(), "signing", problems));
    Context::require_none(problems);
    if (!settings.validate) {
        Context::warn("signing.validate is off: proofs are checked, and nobody is believed");
        return nullptr;
    }
    auto trust = signing::TrustStore::open(settings.trust);
    if (trust) return std::move(*trust);
    std::string text;
    for (const std::string& line : trust.error()) text += (text.empty() ? "" : "\n") + line;
    throw usage_error(text);
}

reliability::TopicFilter filter_of(const fabric::TopicSpace& space,
                                   const std::vector<std::string>& globs) {
    if (globs.empty()) return {};
    std::vector<signing::TopicGlob> parsed;
    for (const std::string& text : globs) {
        auto glob = signing::TopicGlob::parse(space.complete_glob(text));
        if (!glob) throw usage_error("--topic '" + signing::escape(text) + "': " + glob.error());
        parsed.push_back(std::move(*glob));
    }
    return reliability::TopicFilter(std::move(parsed));
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format(fmt::runtime(unit == 0 ? "{:.0f} {}" : "{:.1f} {}"), value, units[unit]);
}

}  // namespace weft::tools
