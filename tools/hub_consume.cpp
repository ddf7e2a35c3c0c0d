// weft hub --consume ID --only NAME: feeds one stored message to one consumer, and shows what it
// does. No cursor moves, and nothing is retried.

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "fabric/message/json_form.hpp"
#include "reliability/hub/hub_surroundings.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/refusal.hpp"
#include "tools/hub_command.hpp"
#include "tools/journal_command.hpp"
#include "tools/replay_source.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace hub = reliability::hub;
using std::chrono::milliseconds;
using Level = hub::Surroundings::Level;

/// Shows what the consumer publishes, and publishes it unless this is a rehearsal.
class Shown final : public hub::Surroundings {
public:
    Shown(hub::HubSurroundings& real, bool dry_run) : real_(real), dry_run_(dry_run) {}

    [[nodiscard]] tl::expected<fabric::MessageId, std::string> publish(
        const hub::Wanted& wanted, const fabric::MessageId& parent) override {
        const std::string what =
            std::string{wanted.topic} + " " + signing::escape(wanted.body, 500);
        if (dry_run_) {
            write_out("would publish " + what + "\n");
            return fabric::MessageId{};
        }
        auto id = real_.publish(wanted, parent);
        write_out(id ? "published " + id->text() + " " + what + "\n"
                     : "could not publish " + what + ": " + id.error() + "\n");
        return id;
    }
    void log(Level level, std::string_view consumer, std::string_view line) override {
        real_.log(level, consumer, line);
    }
    [[nodiscard]] std::string_view hub_name() const override { return real_.hub_name(); }

private:
    hub::HubSurroundings& real_;
    const bool dry_run_;
};

const hub::ConsumerSettings& consumer_named(const hub::Settings& settings,
                                            const std::string& name) {
    std::string names;
    for (const hub::ConsumerSettings& consumer : settings.consumers) {
        if (consumer.name == name) return consumer;
        names += (names.empty() ? "" : ", ") + consumer.name;
    }
    throw usage_error("--only " + name + ": no consumer has this name; there are: " +
                      (names.empty() ? "none" : names));
}

ToReplay stored_message(Context& context, fabric::Fabric& fabric, const std::string& id) {
    ReplaySource::check(id, "--consume ");
    auto journal = reliability::open_any_journal(fabric, reliability_settings(context));
    if (!journal) throw failure(journal.error());
    ReplayTally tally;
    ReplaySource source(**journal, fabric.trust(), false, tally);
    auto found = source.one(id);
    if (!found) throw failure("--consume " + id + ": the message was not found" + tally.text());
    found->message.mark_replayed(found->id);
    return std::move(*found);
}

}  // namespace

int consume_one(Context& context, const ConsumeFlags& flags) {
    const hub::Settings settings = hub_settings(context);
    const hub::ConsumerSettings& consumer = consumer_named(settings, flags.only);
    const auto fabric = open_fabric(context);
    const ToReplay stored = stored_message(context, *fabric, flags.id);
    const fabric::Message& message = stored.message;
    bool hears = false;
    for (const auto& glob : consumer.globs) hears = hears || glob.matches(message.topic());
    if (!hears) {
        Context::warn("consumer '" + consumer.name + "' does not hear topic " +
                      std::string{message.topic()} + "; it is given the message all the same");
    }
    hub::HubSurroundings real(*fabric, reliability_settings(context), &log_line);
    Shown shown(real, flags.dry_run);
    const auto host = hub::make_handler_host(consumer, shown, own_program());
    if (auto started = host->start(); !started) {
        throw usage_error(consumer.where + ": consumer '" + consumer.name +
                          "': " + started.error());
    }
    auto handler = host->make();
    const auto began = std::chrono::steady_clock::now();
    const hub::Verdict verdict = handler->handle(message, 1);
    const auto took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    handler.reset();
    host->stop(milliseconds{1000});
    const std::string about = "message " + std::to_string(stored.id) + " (" + message.id().text() +
                              "), " + std::to_string(took.count()) + " ms: ";
    const std::string reason = signing::escape(verdict.reason, 500);
    static_cast<void>(fabric->flush(milliseconds{2000}));
    switch (verdict.is) {
        case hub::Verdict::Is::done:
            write_out(about + "done\n");
            return exit_done;
        case hub::Verdict::Is::retry:
            write_out(about + "retry: " + reason + "\n");
            break;
        case hub::Verdict::Is::reject:
            write_out(about + "reject: " + reason + "\n");
            break;
        case hub::Verdict::Is::left:
            write_out(about + "not handled\n");
            break;
    }
    return exit_failed;
}

}  // namespace weft::tools
