#pragma once
// One with a valid certificate of its own name, who hears everything and may send anything: but it
// signs as itself only, and what others signed it can only repeat.

#include <string>
#include <vector>

#include "tests/fault/random.hpp"
#include "tests/fault/run_log.hpp"
#include "tests/fault/wire.hpp"

namespace weft::fault {

class Adversary {
public:
    struct Roles {
        bool may_acknowledge = false, may_store = false;
    };
    Adversary(std::size_t index, std::string name, Roles roles, Bus& bus, Random& random,
              RunLog& log)
        : index_(index),
          name_(std::move(name)),
          roles_(roles),
          bus_(bus),
          random_(random),
          log_(log) {}

    void hears(const Sent& sent);
    void hears(const SignedAck& ack);
    /// One of its tricks, if it has heard enough for it.
    void act();

private:
    struct Target {
        reliability::AckSubject subject;
        std::string publisher;
        std::vector<std::string> names;
    };
    void replay();
    void state(const Target& target, reliability::AckSubject subject);
    [[nodiscard]] reliability::AckSubject spoilt(const Target& target);
    [[nodiscard]] const Target& some_target();

    std::size_t index_;
    std::string name_;
    Roles roles_;
    Bus& bus_;
    Random& random_;
    RunLog& log_;
    std::vector<Target> targets_;
    std::vector<SignedAck> acks_;
};

}  // namespace weft::fault
