#pragma once
// A journal room for tests: does the work at once, in the caller's thread. Threads: one.

#include "gateway/bridge/journal_room.hpp"

namespace weft::support {

class SameThreadRoom final : public gateway::JournalRoom {
public:
    explicit SameThreadRoom(gateway::JournalThings things) : things_(things) {}
    bool work(Work work) override {
        if (full) return false;
        work(things_);
        return true;
    }
    bool full = false;

private:
    gateway::JournalThings things_;
};

}  // namespace weft::support
