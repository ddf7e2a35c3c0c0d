#include "reliability/hub/consumer_settings.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "config/section.hpp"
#include "fabric/message/json_form.hpp"
#include "reliability/cursor/cursor.hpp"
#include "reliability/hub/program_environment.hpp"
#include "signing/certificate.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using config::Section;
using std::chrono::milliseconds;

/// The scalars of YAML's core schema that JSON has, too; everything else is text.
std::string scalar_json(const config::Value& value) {
    if (!value.quoted) {
        if (value.text == "true" || value.text == "false") return value.text;
        if (value.text.empty() || value.text == "~" || value.text == "null") return "null";
        const bool number = value.text[0] == '-' || (value.text[0] >= '0' && value.text[0] <= '9');
        if (number) {
            if (auto json = fabric::compact_json(value.text)) return *json;
        }
    }
    return fabric::json_string(value.text);
}

std::string json_of(const config::Value& value) {
    if (value.is_scalar()) return scalar_json(value);
    std::string text;
    if (value.is_list()) {
        for (const config::Value& item : value.items) {
            text += (text.empty() ? "" : ",") + json_of(item);
        }
        return "[" + text + "]";
    }
    if (value.is_map()) {
        for (const config::Entry& entry : value.entries) {
            text += (text.empty() ? "" : ",") + fabric::json_string(entry.key) + ":" +
                    json_of(entry.value);
        }
        return "{" + text + "}";
    }
    return "null";
}

struct Reader {
    const config::Configuration& configuration;
    const fabric::TopicSpace& space;

    [[nodiscard]] std::vector<signing::TopicGlob> globs(const Section& section) const {
        std::vector<signing::TopicGlob> globs;
        const std::vector<std::string> texts = section.texts("topics");
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto glob = signing::TopicGlob::parse(space.complete_glob(texts[i]));
            if (glob) {
                globs.push_back(std::move(*glob));
                continue;
            }
            section.refuse(
                "topics." + std::to_string(i),
                "'" + signing::escape(texts[i]) + "' is not a glob over topics: " + glob.error());
        }
        if (texts.empty()) section.refuse("topics", "name at least one topic glob");
        if (texts.size() > Cursor::globs_max) {
            section.refuse("topics", "at most " + std::to_string(Cursor::globs_max) +
                                         " globs; make two consumers of it");
        }
        return globs;
    }

    void program(const Section& section, ConsumerSettings& consumer) const {
        if (section.has("plugin")) consumer.plugin = section.path("plugin");
        consumer.exec = section.texts("exec");
        if (consumer.plugin.empty() == consumer.exec.empty()) {
            section.refuse(section.has("plugin") ? "plugin" : "name",
                           "a consumer has either plugin: FILE.so or exec: [PROGRAM, ARGUMENT...]");
            return;
        }
        if (consumer.exec.empty()) return;
        if (consumer.exec[0].empty()) section.refuse("exec", "its first entry is the program");
        // As with every path: relative to the directory that the configuration speaks of.
        const std::filesystem::path program = consumer.exec[0];
        if (program.is_relative() && program.has_parent_path()) {
            consumer.exec[0] =
                (configuration.base_of(section.origin("exec")) / program).lexically_normal();
        }
        consumer.isolate = section.flag("isolate", false);
        if (consumer.isolate) {
            section.refuse("isolate",
                           "it is for plugins; an executable has its own process anyway");
        }
    }

    void environment(const Section& section, ConsumerSettings& consumer) const {
        for (const std::string& name : section.keys("environment")) {
            const std::string key = name.empty() ? "environment" : "environment." + name;
            std::string value = name.empty() ? "" : section.text(key);
            if (const std::string wrong = variable_name_error(name); !wrong.empty()) {
                section.refuse(key, wrong);
            } else if (value.find('\0') != std::string::npos) {
                section.refuse(key, "an environment variable cannot hold a zero byte");
            }
            consumer.environment.emplace_back(name, std::move(value));
        }
        if (consumer.environment.empty() || !consumer.exec.empty() || consumer.isolate) return;
        section.refuse("environment",
                       "a plugin in the hub's process has the hub's environment; it needs "
                       "isolate: true, or what it is to be told belongs into its settings");
    }

    void attempts(const Section& section, ConsumerSettings& consumer) const {
        consumer.max_attempts = static_cast<unsigned>(section.count("max_attempts"));
        consumer.retry = section.durations("retry");
        const auto pause_max = std::chrono::duration_cast<milliseconds>(std::chrono::hours{24});
        for (std::size_t i = 0; i < consumer.retry.size(); ++i) {
            if (consumer.retry[i] <= pause_max) continue;
            section.refuse("retry." + std::to_string(i), "a pause is at most 24h");
        }
        consumer.timeout = section.duration("timeout");
        if (consumer.timeout.count() <= 0 || consumer.timeout > std::chrono::hours{12}) {
            section.refuse("timeout", "it must be more than 0s and at most 12h");
        }
        if (!section.has("dead_letter")) return;
        const std::string short_topic = section.text("dead_letter");
        const auto topic = fabric::Topic::parse(space.complete(short_topic));
        if (!topic) {
            section.refuse("dead_letter", topic.error());
            return;
        }
        consumer.dead_letter = topic->text();
        if (std::any_of(consumer.globs.begin(), consumer.globs.end(),
                        [&](const auto& glob) { return glob.matches(consumer.dead_letter); })) {
            section.refuse("dead_letter", "the consumer itself hears '" + short_topic +
                                              "', so that a dead letter would come back to it for "
                                              "ever; choose another topic or narrower globs");
        }
    }

    void place(const Section& section, ConsumerSettings& consumer) const {
        auto start = Start::parse(section.text("replay"));
        if (!start) {
            section.refuse("replay", start.error());
        } else if (start->kind == Start::Kind::last_per_topic) {
            section.refuse("replay",
                           "last-per-topic is no place where a cursor can begin; write "
                           "beginning, now, last:100, since:1h or an id");
        } else if (!consumer.durable && start->kind != Start::Kind::now) {
            section.refuse("replay",
                           "a consumer that is not durable begins now; remove one of "
                           "durable: false and replay");
        } else {
            consumer.replay = *start;
        }
        consumer.backlog_count = section.count("max_backlog.count", 0);
        consumer.backlog_age = section.duration("max_backlog.age", milliseconds{0});
    }

    [[nodiscard]] ConsumerSettings consumer(const Section& section) const {
        ConsumerSettings consumer;
        consumer.where = section.origin("name").text();
        consumer.name = section.text("name");
        if (const std::string wrong = signing::name_error(consumer.name); !wrong.empty()) {
            section.refuse("name", wrong);
        }
        consumer.enabled = section.flag("enabled");
        consumer.durable = section.flag("durable");
        consumer.ordered = section.flag("ordered");
        consumer.workers = static_cast<unsigned>(section.count("workers"));
        consumer.isolate = section.flag("isolate");
        consumer.globs = globs(section);
        program(section, consumer);
        if (section.has("ack")) consumer.ack = parse_level(section.text("ack"));
        attempts(section, consumer);
        place(section, consumer);
        consumer.memory = section.size("memory", 0);
        environment(section, consumer);
        if (const config::Value* settings = section.find("settings")) {
            consumer.settings_json = json_of(*settings);
        }
        return consumer;
    }
};

}  // namespace

milliseconds ConsumerSettings::pause_after(unsigned attempt) const {
    if (retry.empty()) return milliseconds{0};
    const std::size_t index = attempt == 0 ? 0 : attempt - 1;
    return retry[std::min(index, retry.size() - 1)];
}

std::vector<std::string> ConsumerSettings::glob_texts() const {
    std::vector<std::string> texts;
    for (const signing::TopicGlob& glob : globs) texts.push_back(glob.text());
    return texts;
}

bool operator==(const ConsumerSettings& a, const ConsumerSettings& b) {
    const auto all = [](const ConsumerSettings& c) {
        return std::tie(c.name, c.plugin, c.exec, c.isolate, c.globs, c.enabled, c.durable,
                        c.ordered, c.workers, c.ack, c.max_attempts, c.retry, c.timeout,
                        c.dead_letter, c.replay, c.backlog_count, c.backlog_age, c.memory,
                        c.environment, c.settings_json);
    };
    return all(a) == all(b);
}

Settings read_settings(const config::Configuration& configuration, config::Problems& problems) {
    const Section section(configuration, "hub", problems);
    const Section root(configuration, "", problems);
    const fabric::TopicSpace space{root.text("topic_prefix"), root.text("environment")};
    const Reader reader{configuration, space};
    Settings settings;
    std::set<std::string> names;
    for (const Section& item : section.items("consumers")) {
        settings.consumers.push_back(reader.consumer(item));
        const std::string& name = settings.consumers.back().name;
        if (!names.insert(name).second) {
            item.refuse("name", "another consumer has the name '" + name +
                                    "'; each keeps its place under its name, so they must differ");
        }
    }
    settings.state = section.path("state");
    settings.journal = section.text("journal");
    if (settings.journal.empty()) {
        const auto journals = Section(configuration, "reliability", problems).texts("journals");
        if (!journals.empty()) settings.journal = journals.front();
    }
    return settings;
}

}  // namespace weft::reliability::hub
