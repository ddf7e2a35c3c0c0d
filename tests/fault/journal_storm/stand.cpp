#include "tests/fault/journal_storm/stand.hpp"

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stdexcept>

#include "config/load.hpp"
#include "reliability/service/follower.hpp"
#include "reliability/service/open_remote.hpp"

namespace weft::fault {
namespace {

using testing::Finished;
using testing::Process;
using testing::Stream;

const std::string journal_name = "journal.host1";
constexpr std::chrono::seconds reading_max{300};

void must(const Finished& done) {
    if (done.exit_code != 0) throw std::runtime_error(done.out + done.err);
}

}  // namespace

Stand::Stand(const std::string& journal_path) {
    must(setup_.weft({"keys", "issue", journal_name, "--publish", "**", "--role", "journal",
                      "--role", "ack", "--role", "publish"}));
    std::string journal = "listen: 'tcp://127.0.0.1:" + std::to_string(testing::free_port()) + "'";
    if (!journal_path.empty()) journal += ", path: '" + journal_path + "'";
    setup_.configure("reliability: { journals: [" + journal_name + "], journal: { " + journal +
                     " } }");
    relay_ = std::make_unique<Process>(setup_.relay());

    config::LoadOptions options;
    options.directory = setup_.dir().path();
    options.folders = {setup_.dir() / "weft.d"};
    options.settings = {"fabric.replay.state=\"\""};
    const auto loaded = config::load(options);
    if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
    config::Problems problems;
    settings_ = reliability::read_settings(*loaded, problems);
    fabric_ = fabric::Fabric::open(*loaded);
}

Process Stand::start_journal() {
    return setup_.start({"journal", "serve", "--ready-timeout", "20s", "--set",
                         "name=" + journal_name, "--set",
                         "fabric.replay.state=var/replay." + journal_name});
}

Process Stand::serve() {
    Process journal = start_journal();
    journal.wait_for_line(Stream::out, "ready");
    return journal;
}

void Stand::read_into(Ledger& ledger) {
    const auto journal = reliability::open_remote_journal(*fabric_, settings_, journal_name);
    if (!journal) throw std::runtime_error(journal.error());
    std::mutex mutex;
    std::condition_variable changed;
    bool is_through = false;
    reliability::FollowerSettings follow;
    follow.start.kind =
        read_.epoch == 0 ? reliability::Start::Kind::beginning : reliability::Start::Kind::after;
    follow.start.after = read_;
    reliability::FollowerHooks hooks;
    hooks.deliver = [&](const reliability::VerifiedMessage& stored) { ledger.read(stored); };
    hooks.gap = [&](const reliability::JournalGap& gap) { ledger.gap(gap); };
    hooks.refused = [&](const reliability::StoredRefusal& refused) { ledger.refused(refused); };
    hooks.caught_up = [&] {
        const std::scoped_lock lock(mutex);
        is_through = true;
        changed.notify_all();
    };
    const auto follower = reliability::JournalFollower::open(**journal, fabric_->trust(),
                                                             std::move(follow), std::move(hooks));
    if (!follower) throw std::runtime_error(follower.error().sentence);
    {
        std::unique_lock lock(mutex);
        if (!changed.wait_for(lock, reading_max, [&] { return is_through; })) {
            throw std::runtime_error("the journal cannot be read to its end");
        }
    }
    (*follower)->stop();
    const auto position = (*follower)->stats().position;
    if (read_.epoch != 0 && position.epoch != 0 && position.epoch != read_.epoch) {
        throw std::runtime_error("the epoch of the journal is another");
    }
    read_ = position;
    ledger.end_of_reading();
}

void Stand::trim_what_was_read() {
    must(setup_.weft({"journal", "trim", "--below", std::to_string(read_.id + 1)}));
}

std::string Stand::verify() {
    const Finished done = setup_.weft({"journal", "verify"});
    must(done);
    return done.out;
}

}  // namespace weft::fault
