// weft journal serve: records what passes, says `stored`, answers readers.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "reliability/journal/open_journal.hpp"
#include "reliability/journal/retention_keeper.hpp"
#include "reliability/service/cursor_operations.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/recorder.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/journal_command.hpp"
#include "tools/ready_notice.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

/// How often a renewed certificate is looked for, and whether the journal still stores.
constexpr milliseconds look_every{250};

std::unique_ptr<fabric::Fabric> open_fabric(Context& context) {
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = "journal";
    options.kind = "journal";
    return fabric::Fabric::open(context.configuration(), options);
}

std::unique_ptr<reliability::Journal> open_for_writing(const reliability::Settings& settings,
                                                       const fabric::Fabric& fabric) {
    auto journal = reliability::open_journal(settings.journal, reliability::JournalAccess::write,
                                             &fabric.clock());
    if (!journal) throw failure(journal.error().sentence);
    if (settings.journal.backend == reliability::JournalSettings::Backend::memory) {
        Context::warn("the journal is in memory: it forgets everything when it ends");
    } else if (!settings.journal.sync) {
        Context::warn(
            "reliability.journal.sync is never: what is acknowledged survives kill -9, and may be "
            "lost with the power");
    }
    return std::move(*journal);
}

/// Says once when the journal stops storing, and when it goes on.
class Health {
public:
    void look(reliability::Journal& journal) {
        const std::string why = journal.info().not_ready;
        if (why == said_) return;
        if (why.empty()) {
            Context::info("the journal stores again");
        } else {
            Context::log(Context::Level::error, "the journal is not ready: " + why);
        }
        said_ = why;
    }

private:
    std::string said_;
};

void say_if_nobody_knows_us(const reliability::Settings& settings, const std::string& name) {
    const auto& journals = settings.journals;
    if (std::find(journals.begin(), journals.end(), name) != journals.end()) return;
    Context::info(
        "publishers and readers find this journal once their reliability.journals names " + name);
}

void say_retention(const reliability::RetentionReport& report) {
    for (const std::string& line : report.said) Context::warn(line);
    if (report.trimmed + report.expired == 0) return;
    Context::info("retention: trimmed " + std::to_string(report.trimmed) + " ids, expired " +
                  std::to_string(report.expired) + " messages");
}

void count(const reliability::RecorderStats& recorder,
           const reliability::JournalServiceStats& service) {
    fabric::Counters counters;
    counters.add(recorder.subscriber);
    counters.add("weft_journal_messages_total", "recorded", recorder.recorded);
    counters.add("weft_journal_messages_total", "not_recorded", recorder.not_recorded);
    counters.add("weft_journal_messages_total", "found_again", recorder.found_again);
    counters.add("weft_acks_sent_total", "acknowledged", recorder.acknowledged);
    counters.add("weft_acks_sent_total", "rejected", recorder.rejected);
    counters.add("weft_acks_not_sent_total", "", recorder.acks_not_sent);
    counters.add("weft_journal_order_total", "held", recorder.order.held);
    counters.add("weft_journal_order_total", "given_up", recorder.order.given_up);
    counters.add("weft_journal_order_total", "no_room", recorder.order.no_room);
    counters.add("weft_journal_order_total", "forgotten", recorder.order.forgotten);
    counters.add("weft_journal_waited_for_room_total", "", recorder.waited_for_room);
    counters.add("weft_journal_requests_total", "", service.requests);
    counters.add("weft_journal_answers_total", "", service.answers);
    counters.add("weft_journal_answers_total", "undeliverable", service.undeliverable);
    counters.add("weft_journal_requests_refused_total", "busy", service.busy);
    counters.add("weft_journal_requests_refused_total", "not_allowed", service.not_allowed);
    counters.add("weft_journal_requests_refused_total", "replayed", service.replayed);
    counters.add("weft_journal_requests_refused_total", "not_fresh", service.not_fresh);
    counters.add("weft_journal_requests_refused_total", "unverified", service.refused_total());
    Context::say_counters(counters);
}

int serve(Context& context, milliseconds ready_timeout) {
    const reliability::Settings settings = reliability_settings(context);
    StopSignal stop;
    const auto fabric = open_fabric(context);
    const auto journal = open_for_writing(settings, *fabric);
    auto listen = reliability::service_settings(fabric->settings(), settings.journal.listen);
    if (!listen) throw usage_error(listen.error());

    reliability::Recorder recorder(*fabric, *journal, settings.journal.topics);
    std::uint64_t generation = fabric->publisher().identity_generation();
    reliability::CursorStore cursors(*journal, fabric->clock());
    reliability::GroupService groups(cursors);
    reliability::CursorOperations cursor_operations(cursors, groups);
    listen->operations = cursor_operations.entries();
    auto service = reliability::JournalService::open(
        fabric->transport(), fabric->clock(), std::move(*listen), *journal,
        fabric->publisher().identity(), fabric->trust(), &Context::warn);
    if (!service) throw failure(service.error());
    reliability::RetentionKeeper keeper(
        *journal, cursors, settings.journal, [&](const std::string& glob) {
            return signing::TopicGlob::parse(fabric->settings().space.complete_glob(glob));
        });
    reliability::RetentionThread retention(keeper, fabric->clock(), &say_retention);
    say_listening("journal", (*service)->bound());

    const auto ready = recorder.wait_ready(ready_timeout);
    if (!ready.ready && !stop.requested()) Context::warn(ready.sentence);
    const reliability::JournalInfo info = journal->info();
    Context::info("ids " + std::to_string(info.low) + " to " + std::to_string(info.head) +
                  ", epoch " + reliability::Position{info.epoch, 0}.text().substr(0, 16) + ", " +
                  info.backend);
    say_ready();
    say_if_nobody_knows_us(settings, fabric->settings().name);
    const Housekeeping housekeeping(context, stop, *fabric);
    Health health;
    while (stop.wait(look_every) == StopSignal::Woken::timeout) {
        health.look(*journal);
        const std::uint64_t now = fabric->publisher().identity_generation();
        if (now == generation) continue;
        generation = now;
        (*service)->use(fabric->publisher().identity());
    }
    notify_systemd("STOPPING=1");
    recorder.stop();
    // Those who wait for their ACKs should still get them.
    static_cast<void>(fabric->flush(milliseconds{1000}));
    const auto recorded = recorder.stats();
    const auto served = (*service)->stats();
    groups.stop();
    cursor_operations.stop();
    service->reset();
    count(recorded, served);
    Context::info("recorded " + std::to_string(recorded.recorded) + " messages; ids " +
                  std::to_string(journal->info().low) + " to " +
                  std::to_string(journal->info().head));
    return stop.exit_code();
}

}  // namespace

void add_journal_serve(CLI::App& journal, Context& context) {
    CLI::App* command =
        journal.add_subcommand("serve", "Record what passes, acknowledge `stored`, answer readers");
    auto timeout = std::make_shared<milliseconds>(2000);
    add_duration(*command, "--ready-timeout", *timeout,
                 "When to complain that the relay or a peer does not answer (default: 2s)");
    command->footer(
        "Records the topics of reliability.journal.topics (empty: everything below\n"
        "<topic_prefix>.<environment>) at reliability.journal.path, and answers readers at\n"
        "reliability.journal.listen. It needs a certificate with the role journal. Prints where\n"
        "it listens, then `ready`; stops on SIGTERM and Ctrl-C.\n"
        "Example:  weft journal serve --set reliability.journal.max_age=30d");
    command->callback([&context, timeout] {
        context.run = [&context, timeout] { return serve(context, *timeout); };
    });
}

}  // namespace weft::tools
