#include "reliability/hub/hub.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "reliability/hub/dead_letter.hpp"
#include "reliability/hub/durable_feed.hpp"
#include "reliability/hub/glob_overlap.hpp"
#include "reliability/hub/live_feed.hpp"
#include "reliability/service/open_remote.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;

std::string with_line(const ConsumerSettings& consumer, const std::string& sentence) {
    return consumer.where + ": consumer '" + consumer.name + "': " + sentence;
}

bool is_set(const ConsumerSettings& consumer) {
    return consumer.enabled;
}

}  // namespace

struct Hub::Core {
    Core(fabric::Fabric& the_fabric, const reliability::Settings& the_reliability,
         Settings the_settings, HubOptions the_options)
        : fabric(the_fabric),
          reliability(the_reliability),
          settings(std::move(the_settings)),
          options(std::move(the_options)),
          surroundings(fabric, reliability, options.log) {}

    /// The journal that has the places of durable consumers; opened for the first of them.
    tl::expected<RemoteJournal*, std::string> open_places() {
        if (!places) {
            auto opened =
                open_remote_journal(fabric, reliability, settings.journal, RemoteAccess::change);
            if (!opened) return tl::make_unexpected(opened.error());
            places = std::move(*opened);
            generation = fabric.publisher().identity_generation();
        }
        return places.get();
    }

    const RepairOptions& repair() {
        if (!repair_from) repair_from = repair_options(fabric, reliability);
        return *repair_from;
    }

    BuryHook bury_hook(const ConsumerSettings& consumer) {
        if (consumer.dead_letter.empty()) return {};
        return [this, name = consumer.name, topic = consumer.dead_letter](
                   const fabric::Message& message, unsigned attempts, const std::string& reason) {
            const Death death{
                name,     std::string{surroundings.hub_name()},     reason,
                attempts, fabric::rfc3339(fabric.clock().utc_us()), message.journal_id()};
            const fabric::Body body = encode_dead_letter(death, message);
            fabric::PublishOptions how;
            how.parent = message.id();
            const auto sent =
                surroundings.publish(topic, body.view(), how, surroundings.has_journals());
            if (!sent) {
                surroundings.log(
                    Level::error, name,
                    "could not publish a dead letter to " + topic + ": " + sent.error());
            }
            return sent.has_value();
        };
    }

    tl::expected<std::unique_ptr<Runner>, std::string> make(const ConsumerSettings& consumer) {
        Runner::Parts parts{consumer,
                            surroundings,
                            fabric.clock(),
                            make_handler_host(consumer, surroundings, options.program),
                            {},
                            {}};
        const bool keeps_timeout = parts.host->keeps_timeout();
        if (!consumer.durable) {
            parts.make_feed = [this](const ConsumerSettings& own, Bench& bench, AckDesk*) {
                return std::make_unique<LiveFeed>(
                    LiveFeed::Parts{own, bench, surroundings, fabric, repair(), bury_hook(own)});
            };
            return std::make_unique<Runner>(std::move(parts));
        }
        auto journal = open_places();
        if (!journal) return tl::make_unexpected(journal.error());
        auto marks = DoneMarks::open(settings.state, consumer.name);
        if (!marks) return tl::make_unexpected(marks.error());
        if (consumer.ack) {
            parts.desk = std::make_unique<AckDesk>(fabric, consumer.name, consumer.glob_texts(),
                                                   *consumer.ack);
        }
        parts.make_feed = [this, keeps_timeout, journal = *journal,
                           taken = std::make_shared<std::unique_ptr<DoneMarks>>(std::move(*marks))](
                              const ConsumerSettings& own, Bench& bench, AckDesk* desk) {
            DurableFeed::Parts feed{own,
                                    bench,
                                    surroundings,
                                    fabric.clock(),
                                    fabric.trust(),
                                    open_remote_group(*journal, fabric.clock(), own.name),
                                    std::move(*taken),
                                    bury_hook(own)};
            feed.keeps_timeout = keeps_timeout;
            if (desk != nullptr) {
                feed.leased = [desk](const Work& work) { desk->leased(work.message); };
            }
            return std::make_unique<DurableFeed>(std::move(feed));
        };
        return std::make_unique<Runner>(std::move(parts));
    }

    std::string could_not(const ConsumerSettings& consumer, const std::string& why) {
        const std::scoped_lock lock(mutex);
        return not_started[consumer.name] = with_line(consumer, why);
    }

    std::optional<std::string> start(const ConsumerSettings& consumer) {
        try {
            auto runner = make(consumer);
            if (!runner) return could_not(consumer, runner.error());
            if (auto started = (*runner)->start(); !started) {
                return could_not(consumer, started.error());
            }
            const std::scoped_lock lock(mutex);
            runners[consumer.name] = std::move(*runner);
            return std::nullopt;
        } catch (const fabric::OpenFailed& failed) {
            return could_not(consumer, failed.what());
        }
    }

    /// All at once, each with the whole patience.
    Stopped stop(const std::vector<std::string>& names, milliseconds patience) {
        std::vector<std::pair<std::string, std::shared_ptr<Runner>>> going;
        {
            const std::scoped_lock lock(mutex);
            for (const std::string& name : names) {
                if (const auto at = runners.find(name); at != runners.end()) {
                    going.emplace_back(name, std::move(at->second));
                    runners.erase(at);
                }
            }
        }
        const Instant deadline = fabric.clock().steady() + patience;
        std::vector<Runner::Left> left(going.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < going.size(); ++i) {
                threads.emplace_back([&, i] { left[i] = going[i].second->stop(deadline); });
            }
        }
        Stopped stopped;
        const std::scoped_lock lock(mutex);
        for (std::size_t i = 0; i < going.size(); ++i) {
            const Runner& runner = *going[i].second;
            stopped.stuck += left[i].stuck;
            if (left[i].messages != 0) {
                stopped.left.push_back(
                    "consumer " + going[i].first + ": " + std::to_string(left[i].messages) +
                    (runner.settings().durable ? " messages went back to the journal"
                                               : " messages were not handled and are gone"));
            }
            if (left[i].stuck != 0) {
                stopped.left.push_back("consumer " + going[i].first + ": " +
                                       std::to_string(left[i].stuck) +
                                       " workers hang in their plugin");
            }
            ended[going[i].first] = runner.status();
        }
        return stopped;
    }

    fabric::Fabric& fabric;
    const reliability::Settings reliability;
    Settings settings;
    const HubOptions options;
    HubSurroundings surroundings;
    std::unique_ptr<RemoteJournal> places;
    std::uint64_t generation = 0;
    std::optional<RepairOptions> repair_from;
    std::map<std::string, std::string> not_started;  // by name: why
    std::map<std::string, ConsumerStatus> ended;
    // Guards the maps, and settings.consumers while they change.
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Runner>> runners;
};

Hub::Hub(fabric::Fabric& fabric, const reliability::Settings& reliability, Settings settings,
         HubOptions options)
    : core_(std::make_unique<Core>(fabric, reliability, std::move(settings), std::move(options))) {}

Hub::~Hub() {
    static_cast<void>(stop(milliseconds{0}));
}

std::vector<std::string> Hub::problems(const Settings& settings) {
    std::vector<std::string> problems;
    const auto& consumers = settings.consumers;
    if (std::none_of(consumers.begin(), consumers.end(), is_set)) {
        problems.push_back(
            consumers.empty()
                ? "hub.consumers is empty: write a list of {name, plugin or exec, topics}"
                : consumers.front().where +
                      ": no consumer is enabled: set enabled: true for at least one of the " +
                      std::to_string(consumers.size()) + " of hub.consumers");
    }
    for (const ConsumerSettings& consumer : consumers) {
        if (!consumer.enabled) continue;
        if (consumer.durable && settings.journal.empty()) {
            problems.push_back(
                with_line(consumer,
                          "it is durable, and no journal keeps its place: name one in "
                          "reliability.journals and run `weft journal serve` there, or say "
                          "durable: false"));
        }
        for (const ConsumerSettings& other : consumers) {
            if (&other == &consumer) break;
            if (!other.enabled || !other.ack || !consumer.ack) continue;
            const auto both = overlapping(consumer.globs, other.globs);
            if (!both) continue;
            problems.push_back(with_line(
                consumer, "'" + both->first + "' and '" + both->second + "' of consumer '" +
                              other.name + "' (" + other.where +
                              ") have topics in common, and both would acknowledge in the name of "
                              "this host: let only one of them say ack"));
        }
    }
    return problems;
}

std::vector<std::string> Hub::start() {
    std::vector<std::string> failed;
    for (const ConsumerSettings& consumer : core_->settings.consumers) {
        if (!consumer.enabled) continue;
        if (auto why = core_->start(consumer)) failed.push_back(std::move(*why));
    }
    return failed;
}

Hub::Applied Hub::apply(Settings settings, milliseconds patience) {
    Applied applied;
    std::vector<std::string> stop, start;
    const auto wanted = [&](const std::string& name) -> const ConsumerSettings* {
        for (const ConsumerSettings& consumer : settings.consumers) {
            if (consumer.name == name && consumer.enabled) return &consumer;
        }
        return nullptr;
    };
    {
        const std::scoped_lock lock(core_->mutex);
        for (const auto& [name, runner] : core_->runners) {
            const ConsumerSettings* next = wanted(name);
            if (next != nullptr && *next == runner->settings()) continue;
            stop.push_back(name);
            (next != nullptr ? applied.restarted : applied.stopped).push_back(name);
        }
        for (const ConsumerSettings& consumer : settings.consumers) {
            if (!consumer.enabled || core_->runners.contains(consumer.name)) continue;
            start.push_back(consumer.name);
        }
    }
    {
        // Where durable places are and who we are does not change while running.
        const std::scoped_lock lock(core_->mutex);
        core_->settings.consumers = std::move(settings.consumers);
        core_->not_started.clear();  // what is enabled and does not run is tried again
    }
    const Stopped stopped = core_->stop(stop, patience);
    for (const std::string& line : stopped.left) {
        if (core_->options.log) core_->options.log(Level::warning, line);
    }
    for (const ConsumerSettings& consumer : core_->settings.consumers) {
        const auto listed = [&](const std::vector<std::string>& names) {
            return std::find(names.begin(), names.end(), consumer.name) != names.end();
        };
        const bool is_new = listed(start);
        if (!is_new && !listed(applied.restarted)) continue;
        if (auto why = core_->start(consumer)) {
            applied.failed.push_back(*why);
        } else if (is_new) {
            applied.started.push_back(consumer.name);
        }
    }
    return applied;
}

std::string Hub::not_ready() const {
    const std::scoped_lock lock(core_->mutex);
    // First what does not come right by waiting. Its line and name stand in the sentence already.
    if (!core_->not_started.empty()) return core_->not_started.begin()->second;
    for (const auto& [name, runner] : core_->runners) {
        const ConsumerStatus status = runner->status();
        if (status.state == "waiting" || status.state == "failed") {
            return "consumer " + name + ": " + status.why;
        }
    }
    return {};
}

void Hub::look() {
    {
        const std::scoped_lock lock(core_->mutex);
        for (const auto& [name, runner] : core_->runners) runner->look();
    }
    if (!core_->places) return;
    const std::uint64_t now = core_->fabric.publisher().identity_generation();
    if (now == core_->generation) return;
    core_->generation = now;
    core_->places->link().use(core_->fabric.publisher().identity());
}

std::vector<ConsumerStatus> Hub::status() const {
    std::vector<ConsumerStatus> all;
    const std::scoped_lock lock(core_->mutex);
    for (const ConsumerSettings& consumer : core_->settings.consumers) {
        const auto runner = core_->runners.find(consumer.name);
        if (runner != core_->runners.end()) {
            all.push_back(runner->second->status());
            continue;
        }
        ConsumerStatus status;
        if (const auto end = core_->ended.find(consumer.name); end != core_->ended.end()) {
            status = end->second;
        }
        status.name = consumer.name;
        status.durable = consumer.durable;
        status.state = consumer.enabled ? "stopped" : "disabled";
        if (const auto why = core_->not_started.find(consumer.name);
            why != core_->not_started.end()) {
            status.state = "failed";
            status.why = why->second;
        }
        all.push_back(std::move(status));
    }
    return all;
}

Hub::Stopped Hub::stop(milliseconds patience) {
    std::vector<std::string> names;
    {
        const std::scoped_lock lock(core_->mutex);
        for (const auto& [name, runner] : core_->runners) names.push_back(name);
    }
    return core_->stop(names, patience);
}

}  // namespace weft::reliability::hub
