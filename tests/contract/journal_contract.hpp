#pragma once
// One suite of tests for every backend of a journal: what reliability/journal/journal.hpp promises.
// A backend joins by a Bench of its own and an INSTANTIATE_TEST_SUITE_P(…, JournalContract, …).
// Threads: a Bench belongs to one test.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "signing/proof.hpp"

namespace weft::contract {

using namespace weft::reliability;
using Reason = JournalError::Reason;

/// A wall clock that stands where the test puts it.
class SetClock final : public fabric::Clock {
public:
    static constexpr std::uint64_t begin_us = 1'800'000'000'000'000;

    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return fabric::SystemClock().steady();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override { return now_us; }

    std::atomic<std::uint64_t> now_us{begin_us};
};

/// Where a backend under test stands.
class Bench {
public:
    virtual ~Bench() = default;
    /// Opens the journal; after close() the same one again.
    virtual std::unique_ptr<Journal> open(const JournalLimits& limits) = 0;
    /// False: what was stored goes with the journal.
    [[nodiscard]] virtual bool is_persistent() const = 0;

    SetClock clock;
};

struct BenchMaker {
    std::string name;
    std::function<std::unique_ptr<Bench>()> make;
};
inline void PrintTo(const BenchMaker& maker, std::ostream* out) {
    *out << maker.name;
}
inline std::string name_of_bench(const ::testing::TestParamInfo<BenchMaker>& info) {
    return info.param.name;
}

/// The value; an error ends the test with its sentence.
template <class T>
T ok(JournalResult<T> result) {
    if (!result) {
        throw std::runtime_error(std::string(name_of(result.error().reason)) + ": " +
                                 result.error().sentence);
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// The reason of an error; of a success a failure.
template <class T>
Reason reason_of(const JournalResult<T>& result) {
    if (result) throw std::runtime_error("an error was expected");
    EXPECT_FALSE(result.error().sentence.empty());
    return result.error().reason;
}

[[nodiscard]] fabric::MessageId id_of(std::uint64_t number);
[[nodiscard]] TopicFilter filter_of(const std::vector<std::string>& globs);

/// Messages of one stream ("alice", epoch 1, the topic) whose numbers begin at `seq`.
[[nodiscard]] RunToStore run_of(const std::string& topic, const std::vector<std::string>& texts,
                                std::uint64_t seq = 0);

/// What a reader sees: "id topic text" a message.
[[nodiscard]] std::vector<std::string> texts_of(const Page& page);
[[nodiscard]] std::vector<JournalId> ids_of(const Page& page);

class JournalContract : public ::testing::TestWithParam<BenchMaker> {
protected:
    void SetUp() override { open(); }

    void open(const JournalLimits& limits = {}) {
        if (!bench) bench = GetParam().make();
        journal.reset();
        journal = bench->open(limits);
    }

    /// One message of a topic; its id.
    JournalId add(const std::string& topic = "a.b", const std::string& text = "x",
                  std::uint64_t seq = 0) {
        return add_run(run_of(topic, {text}, seq)).first;
    }
    IdRange add_run(RunToStore run) { return ok(journal->append({std::move(run)})).front(); }

    Page read(JournalId after = 0, const TopicFilter& filter = {}, const ReadLimits& limits = {}) {
        return ok(journal->read({0, after}, filter, limits));
    }
    /// Page by page up to the head; each page must move.
    std::vector<std::string> read_all(const TopicFilter& filter = {},
                                      const ReadLimits& limits = {});

    std::unique_ptr<Bench> bench;
    std::unique_ptr<Journal> journal;
};

}  // namespace weft::contract
