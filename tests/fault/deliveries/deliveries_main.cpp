// deliveries [once|kills|faults|all] [--events N] [--kills N] [--deliveries N] [--seed S]: what
// Routemaster promises of its deliveries, on a real `weft gateway`.
//   once    N events reach three subscribers, each once and in order
//   kills   the same while the gateway is killed with -9 every two seconds: nothing is lost, order
//           is kept, and twice comes at most a batch a kill
//   faults  N deliveries to receivers that also fail, hang, reset, stop halfway and drip; none is
//           left alone for a minute, however long the others keep the gateway busy
// Says on stderr each ten seconds how far it is. Prints one JSON object for each; exit 1 if
// anything was wrong.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/deliveries/bus.hpp"
#include "tests/fault/deliveries/delivered.hpp"
#include "tests/fault/deliveries/fault_receiver.hpp"
#include "tests/support/look_again.hpp"

namespace {

using std::chrono::duration;
using std::chrono::seconds;
using std::chrono::steady_clock;
using weft::fault::Answer;
using weft::fault::Bus;
using weft::fault::Delivered;
using weft::fault::DeliveredFigures;
using weft::fault::FaultReceiver;
using weft::fault::Publisher;

constexpr seconds patience{60};
constexpr std::size_t faulty_subscribers = 20;

struct Options {
    std::string what = "all";
    std::uint64_t events = 1000, kills = 20, deliveries = 100'000;
    std::uint64_t seed = std::random_device{}();
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: deliveries [once|kills|faults|all] [--events N] [--kills N] "
                 "[--deliveries N] [--seed S]\n");
    std::exit(2);
}

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word.rfind("--", 0) != 0) {
            options.what = word;
            continue;
        }
        std::uint64_t* const target = word == "--events"       ? &options.events
                                      : word == "--kills"      ? &options.kills
                                      : word == "--deliveries" ? &options.deliveries
                                      : word == "--seed"       ? &options.seed
                                                               : nullptr;
        char* end = nullptr;
        if (target == nullptr || ++i == argc) usage();
        *target = std::strtoull(argv[i], &end, 10);
        if (*end != '\0') usage();
    }
    return options;
}

/// A line on stderr now and then, so that a long run can be told from one that hangs.
class Progress {
public:
    explicit Progress(std::string what) : what_(std::move(what)) {}
    void say(const std::string& now) {
        if (steady_clock::now() < next_) return;
        next_ = steady_clock::now() + every;
        const duration<double> since = steady_clock::now() - began_;
        std::fprintf(stderr, "%s, %.0f s: %s\n", what_.c_str(), since.count(), now.c_str());
    }

private:
    static constexpr seconds every{10};
    const std::string what_;
    const steady_clock::time_point began_ = steady_clock::now();
    steady_clock::time_point next_ = began_ + every;
};

/// Publishes up to `events`, each until it is stored.
void publish_all(Publisher& publisher, std::uint64_t events, Progress& progress) {
    while (publisher.published() < events) {
        static_cast<void>(publisher.publish_next());
        progress.say("published " + std::to_string(publisher.published()) + " of " +
                     std::to_string(events) + " events");
    }
}

/// Subscribers by number, behind one receiver: /0, /1.
class Subscribers {
public:
    using Script = std::function<Answer()>;
    explicit Subscribers(std::size_t count, Script script = {})
        : all_(count),
          script_(std::move(script)),
          receiver_([this](std::string_view path, std::string_view body) {
              const Answer answer = script_ ? script_() : Answer::ok;
              all_.at(std::stoul(std::string{path.substr(1)})).request(body, answer == Answer::ok);
              return answer;
          }) {}

    [[nodiscard]] std::string url(std::size_t subscriber) const {
        return receiver_.url("/" + std::to_string(subscriber));
    }
    [[nodiscard]] const std::vector<Delivered>& all() const { return all_; }
    /// False: one that has not everything was not called for `patience`.
    [[nodiscard]] bool wait_for(std::uint64_t events, Progress& progress) const {
        struct Seen {
            std::uint64_t requests = 0;
            steady_clock::time_point deadline = steady_clock::now() + patience;
        };
        std::vector<Seen> seen(all_.size());
        while (true) {
            std::uint64_t least = UINT64_MAX;
            for (std::size_t i = 0; i < all_.size(); ++i) {
                const DeliveredFigures here = all_[i].figures();
                least = std::min(least, here.events);
                if (here.events >= events) continue;
                if (here.requests != seen[i].requests) seen[i] = {here.requests};
                if (steady_clock::now() > seen[i].deadline) return false;
            }
            if (least >= events) return true;
            progress.say("waiting: the slowest subscriber has " + std::to_string(least) + " of " +
                         std::to_string(events) + " events");
            weft::testing::look_again_after_ms(10);
        }
    }

private:
    std::vector<Delivered> all_;
    Script script_;
    FaultReceiver receiver_;
};

struct Report {
    nlohmann::ordered_json figures;
    bool good = true;

    void wrong(const std::string& sentence) {
        good = false;
        std::fprintf(stderr, "%s\n", sentence.c_str());
    }
};

void judge(Report& report, const Subscribers& subscribers, std::uint64_t events,
           const std::vector<std::uint64_t>& batch, std::uint64_t kills) {
    std::uint64_t lost = 0, repeated = 0, requests = 0;
    std::chrono::milliseconds silence{};
    for (std::size_t i = 0; i < subscribers.all().size(); ++i) {
        const Delivered& one = subscribers.all()[i];
        const DeliveredFigures figures = one.figures();
        const std::string name = "subscriber " + std::to_string(i) + ": ";
        lost += one.missing(events);
        repeated += figures.repeated;
        requests += figures.requests;
        silence = std::max(silence, figures.longest_silence);
        if (!figures.wrong.empty()) report.wrong(name + figures.wrong);
        if (one.missing(events) > 0) report.wrong(name + "events are missing");
        if (figures.returns > kills || figures.most_at_once > (kills > 0 ? batch.at(i) : 0)) {
            report.wrong(name + std::to_string(figures.repeated) + " events came twice, in " +
                         std::to_string(figures.returns) + " returns of at most " +
                         std::to_string(figures.most_at_once));
        }
    }
    report.figures.update({{"events", events},
                           {"requests", requests},
                           {"lost", lost},
                           {"twice", repeated},
                           {"longest_silence_ms", silence.count()},
                           {"good", report.good}});
}

bool print(const Report& report) {
    std::printf("%s\n", report.figures.dump().c_str());
    std::fflush(stdout);
    return report.good;
}

bool once(const Options& options) {
    Subscribers subscribers(3);
    Bus bus(3);
    bus.start();
    const std::vector<std::uint64_t> batch{1, 100, 7};
    for (std::size_t i = 0; i < 3; ++i) bus.subscribe(i, subscribers.url(i), batch[i], 20 * i);
    const auto began = steady_clock::now();
    Publisher publisher(bus.port());
    Progress progress("once");
    publish_all(publisher, options.events, progress);
    const duration<double> published = steady_clock::now() - began;
    Report report;
    report.figures["what"] = "once";
    if (!subscribers.wait_for(options.events, progress))
        report.wrong("not everything came" + bus.output());
    const duration<double> took = steady_clock::now() - began;
    if (bus.stop() != 0) report.wrong("the gateway did not end well" + bus.output());
    judge(report, subscribers, options.events, batch, 0);
    report.figures["published_s"] = published.count();
    report.figures["took_s"] = took.count();
    return print(report);
}

bool kills(const Options& options) {
    Subscribers subscribers(3);
    Bus bus(3);
    bus.start();
    const std::vector<std::uint64_t> batch{1, 100, 7};
    for (std::size_t i = 0; i < 3; ++i) bus.subscribe(i, subscribers.url(i), batch[i], 20 * i);
    Publisher publisher(bus.port());
    std::atomic<bool> enough{false};
    std::thread publishing([&] {
        while (!enough) {
            if (!publisher.publish_next()) weft::testing::look_again_after_ms(5);
        }
    });
    Report report;
    report.figures["what"] = "kills";
    Progress progress("kills");
    duration<double> dying{}, starting{};
    try {
        for (std::uint64_t i = 0; i < options.kills; ++i) {
            weft::testing::look_again_after_ms(2000);
            const auto killed = steady_clock::now();
            bus.kill();
            const auto started = steady_clock::now();
            bus.start();
            dying = std::max<duration<double>>(dying, started - killed);
            starting = std::max<duration<double>>(starting, steady_clock::now() - started);
            progress.say(std::to_string(i + 1) + " of " + std::to_string(options.kills) + " kills");
        }
    } catch (const std::exception& failed) {
        report.wrong(failed.what());
    }
    enough = true;
    publishing.join();
    if (!subscribers.wait_for(publisher.published(), progress)) report.wrong("not everything came");
    if (bus.stop() != 0) report.wrong("the gateway did not end well" + bus.output());
    judge(report, subscribers, publisher.published(), batch, options.kills);
    report.figures["kills"] = options.kills;
    report.figures["longest_death_s"] = dying.count();
    report.figures["longest_start_s"] = starting.count();
    return print(report);
}

bool faults(const Options& options) {
    std::mt19937_64 random(options.seed);
    std::uint64_t bad = 0;
    // By the receiver's one thread.
    Subscribers subscribers(faulty_subscribers, [&] {
        const std::uint64_t number = random() % 10'000;
        const Answer answer = number < 100   ? Answer::error
                              : number < 150 ? Answer::too_many
                              : number < 200 ? Answer::reset
                              : number < 250 ? Answer::half
                              : number < 255 ? Answer::hang
                              : number < 260 ? Answer::drip
                                             : Answer::ok;
        bad += answer == Answer::ok ? 0 : 1;
        return answer;
    });
    Bus bus(faulty_subscribers);
    bus.start();
    const std::vector<std::uint64_t> batch(faulty_subscribers, 1);
    for (std::size_t i = 0; i < faulty_subscribers; ++i) {
        bus.subscribe(i, subscribers.url(i), 1, 0);
    }
    const std::uint64_t events = std::max<std::uint64_t>(options.deliveries / batch.size(), 1);
    const auto began = steady_clock::now();
    Publisher publisher(bus.port());
    Progress progress("faults");
    publish_all(publisher, events, progress);
    const duration<double> published = steady_clock::now() - began;
    Report report;
    report.figures["what"] = "faults";
    if (!subscribers.wait_for(events, progress)) report.wrong("not everything came" + bus.output());
    const duration<double> took = steady_clock::now() - began;
    if (bus.stop() != 0) report.wrong("the gateway did not end well" + bus.output());
    judge(report, subscribers, events, batch, 0);
    report.figures["deliveries"] = events * batch.size();
    report.figures["bad_answers"] = bad;
    report.figures["published_s"] = published.count();
    report.figures["took_s"] = took.count();
    report.figures["seed"] = options.seed;
    return print(report);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = options_of(argc, argv);
    const auto wanted = [&](const char* name) {
        return options.what == "all" || options.what == name;
    };
    try {
        bool good = true;
        if (wanted("once")) good = once(options) && good;
        if (wanted("kills")) good = kills(options) && good;
        if (wanted("faults")) good = faults(options) && good;
        return good ? 0 : 1;
    } catch (const std::exception& failed) {
        std::fprintf(stderr, "%s\n", failed.what());
        return 1;
    }
}
