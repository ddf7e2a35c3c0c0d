#pragma once
// What everybody in the simulated world of journals shares: time, chance, the log, what was planted
// on purpose, and messages as they are on their way.
// Threads: none; one world is one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "tests/fault/journal_simulator.hpp"
#include "tests/fault/network.hpp"
#include "tests/fault/random.hpp"
#include "tests/fault/run_log.hpp"

namespace weft::fault {

using fabric::Instant;
using reliability::JournalId;
using std::chrono::milliseconds;

/// Time of one node: steady time is the world's, the calendar may be wrong.
class NodeClock final : public fabric::Clock {
public:
    static constexpr std::uint64_t begin_us = 1'800'000'000'000'000;

    explicit NodeClock(const RunLog& log) : log_(log) {}
    void jump(std::int64_t by_us) {
        latest_us_ = std::max(latest_us_, utc_us());
        shift_us_ += by_us;
        latest_us_ = std::max(latest_us_, utc_us());
    }
    void freeze() { frozen_ = true; }
    [[nodiscard]] Instant steady() const noexcept override {
        return std::chrono::seconds{1} + (frozen_ ? Instant{0} : log_.now * speed);
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(begin_us) + shift_us_ +
                                          log_.now.count() / 1000);
    }
    /// No time that it ever said was later.
    [[nodiscard]] std::uint64_t latest_us() const { return std::max(latest_us_, utc_us()); }

    int speed = 1;  ///< For planted faults.

private:
    const RunLog& log_;
    std::int64_t shift_us_ = 0;
    std::uint64_t latest_us_ = 0;
    bool frozen_ = false;
};

struct Scene {
    RunLog& log;
    Schedule& schedule;
    Random& random;
    Planted planted;
    JournalFigures& figures;
    bool oracle_looks = false;  ///< Nothing fails meanwhile.
    bool healed = false;        ///< No more faults: everything is to come to its end.

    [[nodiscard]] bool has(Planted fault) const { return planted == fault; }
};

/// While it lives nothing fails: an oracle looks.
class Look {
public:
    explicit Look(Scene& scene) : scene_(scene), before_(scene.oracle_looks) {
        scene_.oracle_looks = true;
    }
    ~Look() { scene_.oracle_looks = before_; }
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;

private:
    Scene& scene_;
    const bool before_;
};

/// A publisher's stream: its topic names the publisher.
struct StreamName {
    std::string topic;
    std::uint64_t epoch = 0;
    friend auto operator<=>(const StreamName&, const StreamName&) = default;
    [[nodiscard]] std::string text() const { return topic + " of epoch " + std::to_string(epoch); }
};

/// Names one message.
struct Number {
    StreamName stream;
    std::uint64_t seq = 0;
    friend auto operator<=>(const Number&, const Number&) = default;
    [[nodiscard]] std::string text() const { return std::to_string(seq) + " in " + stream.text(); }
};

/// What the bytes of a message say; nothing else may say it.
struct Told {
    Number number;
    std::uint64_t time_us = 0;
    std::uint64_t nonce = 0;  ///< Of its making: two messages with one number differ.
    friend auto operator<=>(const Told&, const Told&) = default;
};
[[nodiscard]] std::string told_text(const Told& told);
/// What a text says that was stored under this topic; seq 0 if it is no message of this world.
[[nodiscard]] Told told_of(std::string_view topic, std::string_view text);

/// Messages of one topic and epoch that were sent together.
struct Sent {
    std::vector<Told> messages;
};
[[nodiscard]] reliability::RunToStore run_of(const std::vector<Told>& messages);

}  // namespace weft::fault
