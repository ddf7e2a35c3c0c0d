#pragma once
// What publishers were told is on disk, against what a journal gives.
//
//     a publisher: ledger.acknowledged({publisher, number, batch}, id);
//     the judge:   ledger.read(message) for each, by rising ids; then ledger.end_of_reading();
//
// Threads: every function from any thread; reading and ending by one.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "reliability/journal/stored_verifier.hpp"

namespace weft::fault {

/// One publish: its body follows from it.
struct Made {
    std::uint64_t publisher = 0, number = 0;
    /// Those of a batch are under way together; the next batch begins when all of it has ended.
    std::uint64_t batch = 0;
};
[[nodiscard]] std::string body_of(std::uint64_t seed, const Made& made);

struct LedgerFigures {
    std::uint64_t acknowledged = 0, lost = 0, altered = 0, out_of_order = 0, duplicates = 0;
    std::uint64_t not_believed = 0, gaps = 0;
    std::uint64_t beside = 0;        ///< Stored without that anybody was told: no fault.
    std::vector<std::string> wrong;  ///< The first few, in words.
    [[nodiscard]] bool good() const noexcept {
        return lost + altered + out_of_order + duplicates + not_believed + gaps == 0;
    }
};

class Ledger {
public:
    explicit Ledger(std::uint64_t seed) : seed_(seed) {}

    void acknowledged(const Made& made, const fabric::MessageId& id);
    [[nodiscard]] std::uint64_t count() const;
    /// Until so many were acknowledged, from the beginning; false: not within `timeout`.
    [[nodiscard]] bool wait_for(std::uint64_t count, std::chrono::milliseconds timeout);

    void read(const reliability::VerifiedMessage& stored);
    void refused(const reliability::StoredRefusal& refused);
    void gap(const reliability::JournalGap& gap);
    /// What was acknowledged and not read is lost; then both begin anew.
    void end_of_reading();

    [[nodiscard]] LedgerFigures figures() const;

private:
    struct Entry {
        Made made;
        bool seen = false;
    };
    void wrong(std::uint64_t& count, const std::string& what);

    const std::uint64_t seed_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable more_;
    std::unordered_map<std::string, Entry> open_;  // by message id
    std::unordered_set<std::string> read_;
    std::unordered_map<std::uint64_t, std::uint64_t> batch_of_publisher_;
    std::uint64_t last_id_ = 0;
    LedgerFigures figures_;
};

}  // namespace weft::fault
