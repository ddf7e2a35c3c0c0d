#pragma once
// A durable consumer's feed on a journal in this process, with the test as its worker.
// Threads: one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reliability/hub/durable_feed.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/support/switchable_journal.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/reliability/hub/recording_surroundings.hpp"
#include "tests/unit/reliability/hub/switched_door.hpp"

namespace weft::reliability::hub {

/// Real time, and what the test says has passed besides.
class MovedClock final : public fabric::Clock {
public:
    void pass(std::chrono::milliseconds by) { passed_ms_ += by.count(); }
    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch() +
               std::chrono::milliseconds{passed_ms_.load()};
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return 1'800'000'000'000'000 + static_cast<std::uint64_t>(passed_ms_.load()) * 1000;
    }

private:
    std::atomic<std::int64_t> passed_ms_{0};
};

class DurableWorld : public ::testing::Test {
protected:
    using Is = Verdict::Is;
    static constexpr std::chrono::seconds patience{20};

    DurableWorld() {
        settings_.name = "counter";
        settings_.globs = support::globs_of({"**"});
        settings_.replay.kind = Start::Kind::beginning;
        settings_.timeout = std::chrono::seconds{10};  // leases are 50 s
        journal_->now_us = clock_.utc_us();
        door_.lead_to(*groups_, "counter");
    }
    ~DurableWorld() override {
        groups_->stop();
        door_.let_go();
    }

    struct Burial {
        JournalId id;
        unsigned attempts;
        std::string reason;
        friend bool operator==(const Burial&, const Burial&) = default;
    };

    /// A feed from its start to its end, and the bench between it and the test.
    struct Life {
        explicit Life(DurableWorld& world) : bench(world.settings_.ordered) {
            auto marks = DoneMarks::open(world.directory_.path(), world.settings_.name);
            if (!marks) throw std::runtime_error(marks.error());
            DurableFeed::Parts parts{
                world.settings_,     bench,
                world.surroundings_, world.clock_,
                world.trust_,        std::make_unique<SwitchedDoor>(world.door_),
                std::move(*marks),   {}};
            parts.bury = [this, &world](const fabric::Message& message, unsigned attempts,
                                        const std::string& reason) {
                const std::scoped_lock lock(mutex);
                burials.push_back({message.journal_id().value_or(0), attempts, reason});
                return world.bury_answer_;
            };
            parts.leased = [this](const Work& work) {
                const std::scoped_lock lock(mutex);
                leased.push_back(work.number);
            };
            parts.keeps_timeout = world.keeps_timeout_;
            parts.poll = world.poll_;
            feed = std::make_unique<DurableFeed>(std::move(parts));
            feed->start();
        }
        [[nodiscard]] std::vector<Burial> buried() const {
            const std::scoped_lock lock(mutex);
            return burials;
        }
        mutable std::mutex mutex;
        std::vector<Burial> burials;
        std::vector<JournalId> leased;
        Bench bench;
        std::unique_ptr<DurableFeed> feed;
    };
    void begin() { life_ = std::make_unique<Life>(*this); }
    /// As kill -9: nothing more is told to the journal.
    void kill() {
        door_.shut();
        life_.reset();
        door_.open();
    }
    std::size_t finish() {
        const std::size_t left = life_->feed->finish(clock_.steady() + patience);
        life_.reset();
        return left;
    }

    /// The next message, in hand.
    Work take(std::size_t worker = 0) {
        std::optional<Work> taken;
        static_cast<void>(eventually([&] {
            std::unique_lock lock(life_->bench.mutex);
            taken = life_->bench.queue.take(clock_.steady());
            if (!taken) life_->bench.work.wait_for(lock, std::chrono::milliseconds{5});
            return taken.has_value();
        }));
        life_->bench.room.notify_all();
        if (!taken) throw std::runtime_error("no message came");
        EXPECT_TRUE(life_->feed->begins(worker, *taken));
        return std::move(*taken);
    }
    void end(Work work, Is is = Is::done, std::string reason = "", std::size_t worker = 0) {
        life_->feed->ends(worker, std::move(work), {is, std::move(reason)});
    }
    /// Takes and ends as done; their numbers.
    std::vector<JournalId> process(std::size_t count) {
        std::vector<JournalId> ids;
        while (ids.size() < count) {
            Work work = take();
            ids.push_back(work.number);
            end(std::move(work));
        }
        return ids;
    }
    template <class Holds>
    [[nodiscard]] bool eventually(Holds holds) const {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::yield();
        }
        return true;
    }
    [[nodiscard]] bool waits_for(std::size_t count) const {
        return eventually([&] {
            const std::scoped_lock lock(life_->bench.mutex);
            return life_->bench.queue.waiting() == count;
        });
    }
    /// Everything up to here is done, as the journal knows.
    [[nodiscard]] bool position_becomes(JournalId id) {
        return eventually([&] { return store_->show("counter")->position.id == id; });
    }
    [[nodiscard]] FeedStats stats() const { return life_->feed->stats(); }
    [[nodiscard]] ConsumerGroup::Stats group() { return groups_->show("counter")->stats; }
    /// What another hub would get now.
    std::vector<JournalId> others_get() {
        const auto got = groups_->next("counter", "other", 100);
        std::vector<JournalId> ids;
        if (!got) throw std::runtime_error(got.error().sentence);
        for (const auto& leased : got->messages) ids.push_back(leased.message.id());
        return ids;
    }
    /// A journal that was made anew, with nothing in it.
    void replace_journal(JournalEpoch epoch) {
        groups_->stop();
        old_groups_ = std::move(groups_);
        old_store_ = std::move(store_);
        old_journal_ = std::move(journal_);
        journal_ = std::make_unique<support::SwitchableJournal>(state_, epoch);
        journal_->now_us = clock_.utc_us();
        store_ = std::make_unique<CursorStore>(*journal_, clock_);
        groups_ = std::make_unique<GroupService>(*store_);
    }

    MovedClock clock_;
    std::shared_ptr<support::SwitchableState> state_ = std::make_shared<support::SwitchableState>();
    std::unique_ptr<support::SwitchableJournal> old_journal_,
        journal_ = std::make_unique<support::SwitchableJournal>(state_);
    std::unique_ptr<CursorStore> old_store_,
        store_ = std::make_unique<CursorStore>(*journal_, clock_);
    std::unique_ptr<GroupService> old_groups_, groups_ = std::make_unique<GroupService>(*store_);
    DoorSwitch door_;
    RecordingSurroundings surroundings_;
    weft::testing::TempDir directory_;
    std::shared_ptr<signing::TrustStore> trust_;  // null: nobody is believed, but unaltered
    ConsumerSettings settings_;
    bool keeps_timeout_ = true, bury_answer_ = true;
    std::chrono::milliseconds poll_{50};
    std::unique_ptr<Life> life_;
};

}  // namespace weft::reliability::hub
