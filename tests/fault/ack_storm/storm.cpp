#include "tests/fault/ack_storm/storm.hpp"

#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>

#include "reliability/reliable_publisher.hpp"
#include "signing/refusal.hpp"
#include "tests/fault/ack_storm/players.hpp"
#include "tests/fault/ack_storm/stage.hpp"
#include "tests/fault/ack_storm/verdicts.hpp"

namespace weft::fault::storm {
namespace {

using namespace std::chrono_literals;
using reliability::Outcome;
using reliability::ReliablePublisher;
using Clock = std::chrono::steady_clock;

/// How many publishes are open; enter() waits for room.
class Window {
public:
    Window(std::size_t prompt_max, std::size_t open_max)
        : prompt_max_(prompt_max), open_max_(open_max) {}

    void enter(bool prompt) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return open_ < open_max_ && prompt_ < prompt_max_; });
        ++open_;
        if (prompt) ++prompt_;
        most_ = std::max(most_, open_);
    }
    void leave(bool prompt) {
        const std::scoped_lock lock(mutex_);
        --open_;
        if (prompt) --prompt_;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_until_empty(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return open_ == 0; });
    }
    [[nodiscard]] std::size_t open() const {
        const std::scoped_lock lock(mutex_);
        return open_;
    }
    [[nodiscard]] std::size_t most() const {
        const std::scoped_lock lock(mutex_);
        return most_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    const std::size_t prompt_max_, open_max_;
    std::size_t prompt_ = 0, open_ = 0, most_ = 0;
};

/// How long answers take at present: nobody is called silent who is only slow.
class Patience {
public:
    explicit Patience(std::chrono::microseconds least) : least_(least) {}
    void answered_after(std::chrono::microseconds elapsed) {
        const std::scoped_lock lock(mutex_);
        slowest_ = std::max(elapsed, slowest_ - slowest_ / 200);
    }
    [[nodiscard]] std::chrono::milliseconds timeout() const {
        const std::scoped_lock lock(mutex_);
        const std::chrono::microseconds most{15s};
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::clamp(slowest_ * 5, least_, most));
    }

private:
    mutable std::mutex mutex_;
    const std::chrono::microseconds least_;
    std::chrono::microseconds slowest_{};
};

/// Until every way is open: then whatever is not answered was not answered by its recipient.
void warm_up(ReliablePublisher& reliable) {
    reliability::ReliableOptions options;
    options.recipients = "all(good1, good2, good3, refuser, weak)";
    options.ack_timeout = 60s;
    for (int i = 0; i < 20; ++i) reliable.publish("storm.0", {{"warm", i}}, options);
}

class Storm {
public:
    Storm(const StormSettings& settings, ReliablePublisher& reliable)
        : settings_(settings),
          reliable_(reliable),
          random_(settings.seed),
          window_(settings.in_flight, settings.open),
          patience_(settings.short_timeout) {}

    void run() {
        Clock::time_point told = Clock::now();
        for (std::uint64_t number = 0; number < settings_.publishes; ++number) {
            publish(number);
            if (Clock::now() - told < 10s) continue;
            told = Clock::now();
            tell(number + 1);
        }
        const auto patience = settings_.long_timeout + 60s;
        if (!window_.wait_until_empty(patience)) {
            verdicts_.violated(std::to_string(window_.open()) + " publishes never ended");
        }
        if (reliable_.waiting() != 0) verdicts_.violated("something is kept of what has ended");
    }

    [[nodiscard]] Verdicts& verdicts() noexcept { return verdicts_; }
    [[nodiscard]] std::size_t most_open() const { return window_.most(); }

private:
    void publish(std::uint64_t number) {
        auto asked = std::make_shared<Asked>();
        asked->number = number;
        asked->demand = random_demand(random_);
        const bool prompt = asked->demand.is_prompt();
        reliability::ReliableOptions options;
        options.recipients = asked->demand.text();
        options.level = asked->demand.level;
        const std::string topic = "storm." + std::to_string(random_.below(8));
        const std::string body(random_.below(400), 'w');

        window_.enter(prompt);
        options.ack_timeout = prompt ? settings_.long_timeout : patience_.timeout();
        const auto pending =
            reliable_.publish_async(topic, {body, "application/octet-stream"}, options,
                                    [this, asked, prompt](const Outcome& outcome) {
                                        if (prompt)
                                            patience_.answered_after(outcome.about().elapsed);
                                        verdicts_.settled(*asked, outcome);
                                        window_.leave(prompt);
                                    });
        if (pending) return verdicts_.returned(*asked, pending->id());
        verdicts_.violated("publish " + std::to_string(number) + ": " + pending.error().sentence);
        window_.leave(prompt);
    }

    void tell(std::uint64_t published) {
        const Tally tally = verdicts_.tally();
        std::cout << published << " published, " << window_.open()
                  << " open: " << tally.acknowledged << " acknowledged, " << tally.rejected
                  << " rejected, " << tally.unknown << " unknown, " << tally.violations()
                  << " violations, " << tally.lost << " lost; " << reliable_.stats().acks << " ACKs"
                  << std::endl;
    }

    const StormSettings settings_;
    ReliablePublisher& reliable_;
    Random random_;
    Verdicts verdicts_;
    Window window_;
    Patience patience_;
};

void print(const Tally& tally) {
    std::cout << tally.publishes << " publishes: " << tally.acknowledged << " successes, "
              << tally.rejected << " rejected, " << tally.unknown << " unknown\n"
              << tally.false_successes << " false successes, " << tally.wrongly_blamed
              << " wrongly blamed, " << tally.other_violations << " other violations, "
              << tally.lost << " lost\n"
              << "told in outcomes: " << tally.told_wrong_signer << " wrong signer, "
              << tally.told_wrong_bytes << " wrong bytes, " << tally.told_wrong_role
              << " wrong role, " << tally.told_refused << " refused\n";
    for (const std::string& line : tally.first) std::cout << "VIOLATION: " << line << '\n';
}

void print(const reliability::AckTracker::Stats& stats) {
    std::cout << "ACKs: " << stats.acks << " verified; " << stats.acks_wrong_signer
              << " wrong signer, " << stats.acks_wrong_bytes << " wrong bytes, "
              << stats.acks_wrong_role << " wrong role, " << stats.acks_unmatched << " unmatched, "
              << stats.acks_not_required << " not required, " << stats.acks_too_weak
              << " too weak, " << stats.acks_repeated << " repeated\n"
              << "tracker: " << stats.opened << " opened, " << stats.acknowledged
              << " acknowledged, " << stats.rejected << " rejected, " << stats.unknown
              << " unknown, " << stats.aborted << " aborted, " << stats.cancelled << " cancelled; "
              << stats.sent_again << " sent again\n";
}

void print(const fabric::SubscriberStats& stats) {
    std::cout << "ACK subscription: " << stats.acks << " ACKs in " << stats.runs
              << " runs, refused " << stats.refused_total() << ':';
    for (std::size_t i = 0; i < stats.refused.size(); ++i) {
        if (stats.refused[i] == 0) continue;
        std::cout << ' ' << signing::name_of(static_cast<signing::Refusal>(i)) << ' '
                  << stats.refused[i];
    }
    std::cout << "; " << stats.verifier.signatures_checked << " signatures checked\n";
}

/// A storm in which nobody attacked proves nothing.
void demand_attacks(const ReliablePublisher& reliable, Verdicts& verdicts) {
    const auto stats = reliable.stats();
    const auto refused = reliable.ack_stats().refused;
    const auto demand = [&](std::uint64_t count, const std::string& what) {
        if (count == 0) verdicts.violated("no attack of this kind came: " + what);
    };
    demand(stats.acks_wrong_signer, "wrong signer");
    demand(stats.acks_wrong_bytes, "wrong bytes");
    demand(stats.acks_wrong_role, "wrong role");
    demand(stats.acks_unmatched, "for no publish that waits");
    demand(stats.acks_repeated, "repeated");
    demand(stats.acks_too_weak, "too weak");
    demand(refused[static_cast<std::size_t>(signing::Refusal::signature_bad)], "altered");
}

bool conduct(const StormSettings& settings, const World& world, Stage& stage) {
    const auto fabric = world.open(std::string{publisher_name});
    // With hundreds in flight answers take a while, on a busy machine a long one: asking sooner
    // only adds to what must be done, until nothing else is.
    reliability::RetrySettings retries;
    retries.first = 300ms;
    retries.longest = 10s;
    ReliablePublisher reliable(*fabric, {}, {}, retries);
    try {
        warm_up(reliable);
    } catch (const std::exception&) {
        print(reliable.stats());
        print(reliable.ack_stats());
        for (const std::string& report : stage.close()) std::cout << report << '\n';
        throw;
    }
    const auto before = reliable.stats();

    Storm storm(settings, reliable);
    const auto begin = Clock::now();
    storm.run();
    const std::chrono::duration<double> took = Clock::now() - begin;
    Verdicts& verdicts = storm.verdicts();
    demand_attacks(reliable, verdicts);
    const auto stats = reliable.stats();
    const Tally counted = verdicts.tally();
    if (stats.acknowledged - before.acknowledged != counted.acknowledged ||
        stats.rejected != counted.rejected || stats.unknown != counted.unknown) {
        verdicts.violated("the tracker counts other endings than were told");
    }

    const Tally tally = verdicts.tally();
    std::cout << "seed " << settings.seed << ", " << took.count() << " s, at most "
              << storm.most_open() << " open at a time\n";
    print(tally);
    print(stats);
    print(reliable.ack_stats());
    for (const std::string& report : stage.close()) std::cout << report << '\n';
    std::cout << (tally.violations() == 0 ? "OK" : "VIOLATED") << std::endl;
    return tally.violations() == 0;
}

}  // namespace

bool run_storm(const StormSettings& settings) {
    World world;
    Stage stage;
    world.set_relay(stage.enter("relay", [&](const Cue& cue) { return world.play_relay(cue); }));
    for (const Member& who : cast()) {
        stage.enter(who.name, [&](const Cue& cue) { return play(who, world, cue); });
    }
    return conduct(settings, world, stage);
}

}  // namespace weft::fault::storm
