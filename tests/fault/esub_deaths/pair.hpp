#pragma once
// One sub, how and when it dies, and who replies to it; the steps are called in turn, for many
// pairs at once. Threads: one.

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fault/esub_deaths/client.hpp"

namespace weft::testing {

enum class Stage : std::uint8_t { before, same_moment, during, after };
/// `half`: it closes its sending half and reads on. `stop`: it reads nothing, as a process that was
/// stopped; in the end it goes on. `blackhole`: its packets vanish, and those to it.
enum class Death : std::uint8_t { fin, rst, half, stop, blackhole };

struct Row {
    Stage stage;
    Death death;
    /// Its replies are answered only after the server has waited in vain.
    [[nodiscard]] bool takes_long() const noexcept {
        return death == Death::blackhole || (stage == Stage::during && death == Death::stop);
    }
};

struct Tally {
    std::size_t delivered = 0, refused = 0, refused_but_there = 0;
    std::size_t lied = 0, unanswered = 0;  ///< The faults.
};

class Pair {
public:
    /// Both are connected already, each from its host.
    Pair(Client sub, Client rep, std::string key, Row row, std::size_t number);

    /// What the sub of such a row may take at once; 0: what others take.
    [[nodiscard]] static int receive_buffer_of(Row row);

    /// All of a large reply but its last byte, so that what follows is quick.
    void begin();
    /// Until everything is as it has to be when the packets begin to vanish.
    void act();
    /// A sub that vanishes has been reading until then.
    void read_on();
    /// What happens while they do.
    void act_cut_off();
    /// Waits for what the replier is told.
    void hear_answer();
    /// Once packets come through again.
    void judge(Tally& tally);
    [[nodiscard]] Row row() const noexcept { return row_; }

private:
    [[nodiscard]] std::string request() const;
    void reply();
    void die();

    std::string key_;
    Row row_;
    Client sub_, rep_;
    std::string body_;
    std::size_t number_;
    unsigned told_ = 0;
    bool has_head_ = false;
};

}  // namespace weft::testing
