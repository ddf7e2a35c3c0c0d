#pragma once
// The processes of a storm: each made by fork before any thread exists, told to end by the end of a
// pipe, and asked for one line about what it saw.
//
// Threads: one, until the last child is there. Ownership: a Stage kills and reaps its children;
// they
//          end by themselves when its process does. Errors: std::runtime_error.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/transport/clock.hpp"
#include "tests/support/descriptor.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::fault::storm {

/// What a child has of its stage.
class Cue {
public:
    Cue(int end, int report) : end_(end), report_(report) {}
    /// Says that it is there; the line goes to whoever called Stage::enter().
    void ready(const std::string& line = "ready") const;
    /// Returns when the storm is over.
    void await_end() const;
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] int end_descriptor() const noexcept { return end_; }
    void report(const std::string& line) const;

private:
    int end_, report_;
};

class Stage {
public:
    Stage();
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    /// `play` runs in a process of its own and returns its report. Waits for its first line.
    std::string enter(const std::string& name, const std::function<std::string(const Cue&)>& play);
    /// Everybody ends; "name: report" of each. What did not end well is an exception.
    [[nodiscard]] std::vector<std::string> close();

private:
    struct Player {
        std::string name;
        pid_t pid = -1;
        weft::testing::Descriptor report;
    };
    [[nodiscard]] static std::string line_of(Player& player, std::chrono::seconds patience);
    weft::testing::Descriptor end_read_, end_write_;
    std::vector<Player> players_;
};

/// Certificates of everybody, where the relay is, and the time of day of the fixture's world, the
/// same in all processes.
class World {
public:
    World();

    [[nodiscard]] std::unique_ptr<fabric::Fabric> open(const std::string& name) const;
    [[nodiscard]] std::string play_relay(const Cue& cue) const;
    /// What the relay said when it was ready.
    void set_relay(const std::string& line);
    [[nodiscard]] const std::string& inbound() const noexcept { return inbound_; }
    [[nodiscard]] const std::string& outbound() const noexcept { return outbound_; }

private:
    class Clock final : public fabric::Clock {
    public:
        [[nodiscard]] fabric::Instant steady() const noexcept override { return system_.steady(); }
        [[nodiscard]] std::uint64_t utc_us() const noexcept override;

    private:
        fabric::SystemClock system_;
        fabric::Instant begin_ = system_.steady();
    };
    support::SigningFixture trust_;
    Clock clock_;
    std::string inbound_, outbound_;
};

}  // namespace weft::fault::storm
