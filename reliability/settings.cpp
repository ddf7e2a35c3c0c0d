#include "reliability/settings.hpp"

#include <string_view>
#include <utility>

#include "config/section.hpp"
#include "reliability/ack/request.hpp"
#include "signing/certificate.hpp"
#include "signing/refusal.hpp"
#include "signing/topic_glob.hpp"

namespace weft::reliability {
namespace {

using config::Section;

/// False, and a problem at the entry, where one is wrong by itself, other groups aside. So an entry
/// cannot open a bracket that another one closes.
bool entries_are_good(const Section& section, const std::string& key,
                      const std::vector<std::string>& entries) {
    bool good = true;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto entry = Recipients::parse(entries[i]);
        if (entry && !entry->empty()) continue;
        section.refuse(key + "." + std::to_string(i),
                       entry ? "it is empty; write a name, or remove it" : entry.error());
        good = false;
    }
    return good;
}

std::string joined(const std::vector<std::string>& entries) {
    std::string text;
    for (const std::string& entry : entries) text += (text.empty() ? "" : ", ") + entry;
    return text;
}

/// Groups that are good by themselves.
Recipients::Groups read_groups(const Section& section) {
    Recipients::Groups groups;
    for (const std::string& name : section.keys("groups")) {
        const std::string key = "groups." + name;
        const std::vector<std::string> entries = section.texts(key);
        if (const std::string wrong = signing::name_error(name); !wrong.empty()) {
            section.refuse(key, wrong);
        } else if (entries_are_good(section, key, entries)) {
            groups[name] = joined(entries);
        }
    }
    return groups;
}

/// What only shows where groups stand for each other: circles, names that count twice, depth.
void check_groups(const Section& section, Recipients::Groups& groups) {
    std::vector<std::string> wrong;
    for (const auto& [name, text] : groups) {
        const auto recipients = Recipients::parse(name, groups);
        if (recipients) continue;
        section.refuse("groups." + name, recipients.error());
        wrong.push_back(name);
    }
    for (const std::string& name : wrong) groups.erase(name);
}

std::vector<std::string> read_journals(const Section& section) {
    std::vector<std::string> journals = section.texts("journals");
    for (std::size_t i = 0; i < journals.size(); ++i) {
        if (const std::string wrong = signing::name_error(journals[i]); !wrong.empty()) {
            section.refuse("journals." + std::to_string(i), wrong);
        }
    }
    return journals;
}

void check_glob(const Section& section, const std::string& key, const std::string& text) {
    if (const auto glob = signing::TopicGlob::parse(text); !glob) {
        section.refuse(
            key, "'" + signing::escape(text) + "' is not a glob over topics: " + glob.error());
    }
}

JournalSettings read_journal(const Section& section) {
    JournalSettings journal;
    const std::string backend = section.text("backend");
    journal.backend = backend == "memory"      ? JournalSettings::Backend::memory
                      : backend == "jetstream" ? JournalSettings::Backend::jetstream
                                               : JournalSettings::Backend::rocksdb;
    journal.path = section.path("path");
    journal.listen = section.endpoint("listen").text();
    journal.sync = section.text("sync") == "always";
    journal.max_age = section.duration("max_age");
    journal.max_bytes = section.size("max_bytes");
    journal.topics = section.texts("topics");
    for (std::size_t i = 0; i < journal.topics.size(); ++i) {
        const std::string& glob = journal.topics[i];
        check_glob(section, "topics." + std::to_string(i),
                   glob.starts_with('!') ? glob.substr(1) : glob);
    }
    for (const std::string& glob : section.keys("ages")) {
        const std::string key = "ages." + glob;
        check_glob(section, key, glob);
        journal.ages[glob] = section.duration(key);
    }
    journal.protect = section.texts("protect");
    return journal;
}

}  // namespace

Settings read_settings(const config::Configuration& configuration, config::Problems& problems) {
    const Section section(configuration, "reliability", problems);
    Settings settings;
    settings.ack_timeout = section.duration("ack_timeout");
    if (settings.ack_timeout.count() <= 0 || settings.ack_timeout > ack_timeout_max) {
        section.refuse("ack_timeout", "it must be more than 0s and at most 24h");
    }
    settings.groups = read_groups(section);
    check_groups(section, settings.groups);
    settings.journals = read_journals(section);
    settings.journal = read_journal(section.section("journal"));
    for (const std::string& name : section.keys("journal_endpoints")) {
        if (const std::string wrong = signing::name_error(name); !wrong.empty()) {
            section.refuse("journal_endpoints." + name, wrong);
        }
        settings.journal_endpoints[name] = section.endpoint("journal_endpoints." + name).text();
    }
    for (const std::string& name : settings.journals) {
        settings.journal_endpoints.try_emplace(name, settings.journal.listen);
    }
    settings.repair.wait = section.duration("repair.wait");
    settings.repair.held_max = section.count("repair.held_max");
    settings.outbox = section.path("outbox");
    settings.outbox_max = section.size("outbox_max");
    return settings;
}

}  // namespace weft::reliability
