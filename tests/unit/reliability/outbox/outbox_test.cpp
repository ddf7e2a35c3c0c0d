#include "reliability/outbox/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "tests/support/signing_fixture.hpp"

namespace weft::reliability {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reason = Outbox::Error::Reason;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

OutboxMessage message(std::uint64_t number, std::size_t bytes = 100) {
    OutboxMessage made;
    std::string id(16, '\0');
    for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<char>(number >> (8 * i));
    made.id = *fabric::MessageId::from_bytes(id);
    made.epoch = 3;
    made.seq = number;
    made.topic = "org.weft.dev.x";
    made.content = std::string(bytes, static_cast<char>('a' + number % 26));
    made.digest = signing::message_digest(made.topic, made.content);
    return made;
}

class AnOutbox : public ::testing::Test {
protected:
    void open(std::uint64_t bytes_max = mebibyte) {
        outbox_.reset();
        outbox_ = support::must(Outbox::open(path_, bytes_max));
    }
    void SetUp() override { open(); }
    std::vector<std::uint64_t> pending() {
        std::vector<std::uint64_t> numbers;
        for (const auto& left : outbox_->pending(0, 1 << 30)) {
            EXPECT_EQ(left.message, message(left.message.seq, left.message.content.size()));
            numbers.push_back(left.message.seq);
        }
        return numbers;
    }
    void add(std::uint64_t number, std::size_t bytes = 100) {
        const auto added = outbox_->add(message(number, bytes));
        ASSERT_TRUE(added) << added.error().sentence;
    }
    std::string bytes() const {
        std::ifstream in(path_ / "messages", std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& bytes) {
        outbox_.reset();
        std::ofstream(path_ / "messages", std::ios::binary | std::ios::trunc) << bytes;
    }
    support::TemporaryDirectory directory_;
    const fs::path path_ = directory_.path() / "outbox";
    std::unique_ptr<Outbox> outbox_;
};

TEST_F(AnOutbox, KeepsWhatIsNotSettledInItsOrderOverARestart) {
    for (std::uint64_t i = 1; i <= 4; ++i) add(i);
    EXPECT_TRUE(outbox_->settle(message(2).id));
    EXPECT_THAT(pending(), ElementsAre(1, 3, 4));
    open();
    EXPECT_THAT(pending(), ElementsAre(1, 3, 4));
    EXPECT_THAT(outbox_->problems(), IsEmpty());
    EXPECT_EQ(outbox_->stats().messages, 3u);
}

TEST_F(AnOutbox, TheSameMessageIsKeptOnceAndSettledOnce) {
    add(1);
    add(1);
    EXPECT_THAT(pending(), ElementsAre(1));
    EXPECT_TRUE(outbox_->settle(message(1).id));
    EXPECT_FALSE(outbox_->settle(message(1).id));
    EXPECT_FALSE(outbox_->settle(message(9).id));
}

TEST_F(AnOutbox, PendingGoesOnInPages) {
    for (std::uint64_t i = 1; i <= 3; ++i) add(i, 1000);
    const auto first = outbox_->pending(0, 1);
    ASSERT_THAT(first, SizeIs(1));
    const auto rest = outbox_->pending(first[0].place, 1 << 20);
    ASSERT_THAT(rest, SizeIs(2));
    EXPECT_EQ(rest[0].message.seq, 2u);
}

TEST_F(AnOutbox, ASecondProcessIsKeptOut) {
    const auto second = Outbox::open(path_, mebibyte);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("another process uses it"));
}

TEST_F(AnOutbox, FullIsAnErrorThatSaysWhatToDoAndSettlingMakesRoom) {
    open(Outbox::bytes_least);
    std::uint64_t number = 0;
    tl::expected<void, Outbox::Error> added;
    while ((added = outbox_->add(message(++number, 1000)))) {
    }
    EXPECT_EQ(added.error().reason, Reason::full);
    EXPECT_THAT(added.error().sentence, HasSubstr("bring a journal back"));
    EXPECT_LE(outbox_->stats().file_bytes, Outbox::bytes_least);
    EXPECT_EQ(outbox_->stats().messages, number - 1);
    for (std::uint64_t i = 1; i <= 20; ++i) outbox_->settle(message(i).id);
    add(number, 1000);
    EXPECT_EQ(outbox_->stats().rewrites, 1u);
    open(Outbox::bytes_least);
    EXPECT_EQ(pending().size(), number - 20);
}

TEST_F(AnOutbox, HeldRoomIsNobodyElsesAndComesBackWhenItIsNotUsed) {
    open(Outbox::bytes_least);
    std::vector<Outbox::Room> rooms;
    const OutboxMessage made = message(1, 1000);
    while (auto room = outbox_->hold_room(made.topic.size(), made.content.size())) {
        rooms.push_back(std::move(*room));
        ASSERT_LT(rooms.size(), 100u);
    }
    EXPECT_EQ(outbox_->add(message(99, 1000)).error().reason, Reason::full);

    for (std::uint64_t number = 1; number <= 10; ++number) {
        const auto ticket = outbox_->append(message(number, 1000), std::move(rooms.back()));
        ASSERT_TRUE(ticket) << ticket.error().sentence;
        ASSERT_TRUE(outbox_->wait(*ticket));
        rooms.pop_back();
    }
    EXPECT_EQ(outbox_->add(message(99, 1000)).error().reason, Reason::full);
    EXPECT_LE(outbox_->stats().file_bytes, Outbox::bytes_least);

    rooms.pop_back();
    add(99, 1000);
    rooms.clear();
    EXPECT_EQ(outbox_->hold_room(300, 10).error().reason, Reason::too_large);
    EXPECT_THAT(pending(), SizeIs(11));
}

TEST_F(AnOutbox, GivesOneMessageByItselfAsLongAsItIsNotSettled) {
    add(1);
    add(2);
    const auto kept = outbox_->kept();
    ASSERT_THAT(kept, SizeIs(2));
    EXPECT_EQ(outbox_->find(message(2).id)->place, kept[1].place);
    EXPECT_EQ(*outbox_->read(kept[1]), message(2));

    outbox_->settle(message(2).id);

    EXPECT_FALSE(outbox_->find(message(2).id));
    EXPECT_FALSE(outbox_->read(kept[1]));
    EXPECT_EQ(*outbox_->read(kept[0]), message(1));
}

TEST_F(AnOutbox, AMessageThatCanNeverFitIsRefusedAtOnce) {
    open(Outbox::bytes_least);
    EXPECT_EQ(outbox_->add(message(1, Outbox::bytes_least)).error().reason, Reason::too_large);
    EXPECT_FALSE(Outbox::open(directory_.path() / "other", 100));
}

TEST_F(AnOutbox, IsRewrittenWhenMostOfItIsSettled) {
    open(100 * mebibyte);
    for (std::uint64_t i = 1; i <= 300; ++i) add(i, 10'000);
    for (std::uint64_t i = 1; i <= 290; ++i) outbox_->settle(message(i).id);
    EXPECT_GE(outbox_->stats().rewrites, 1u);
    EXPECT_LT(outbox_->stats().file_bytes, mebibyte + 200'000);
    EXPECT_THAT(pending(), SizeIs(10));
    add(301);
    open(100 * mebibyte);
    EXPECT_THAT(pending(), SizeIs(11));
}

TEST_F(AnOutbox, ATailThatWasCutOffAnywhereIsCutAwayAndTheRestIsKept) {
    add(1);
    add(2);
    const std::string whole = bytes();
    add(3);
    const std::string longer = bytes();
    for (std::size_t length = whole.size(); length < longer.size(); ++length) {
        write(longer.substr(0, length));
        open();
        ASSERT_THAT(pending(), ElementsAre(1, 2)) << length;
        ASSERT_THAT(outbox_->problems(), IsEmpty());
        add(4);
        open();
        ASSERT_THAT(pending(), ElementsAre(1, 2, 4)) << length;
    }
}

TEST_F(AnOutbox, AFileThatWasJustBegunOrIsEmptyIsAnEmptyOne) {
    const std::string head = bytes();
    for (std::size_t length = 0; length <= head.size(); ++length) {
        write(head.substr(0, length));
        open();
        ASSERT_THAT(pending(), IsEmpty());
    }
}

TEST_F(AnOutbox, AnyByteThatIsFlippedCostsOneRecordAtMostAndIsNamed) {
    for (std::uint64_t i = 1; i <= 3; ++i) add(i, 50);
    const std::string whole = bytes();
    const std::size_t record = outbox_bytes_of(message(1).topic, message(1, 50).content);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
        write(flipped);
        open();
        const auto left = pending();
        if (at < outbox_head_bytes) {
            ASSERT_THAT(left, ElementsAre(1, 2, 3)) << at;
        } else {
            const std::uint64_t hit = (at - outbox_head_bytes) / record + 1;
            std::vector<std::uint64_t> expected;
            for (std::uint64_t i = 1; i <= 3; ++i) {
                if (i != hit) expected.push_back(i);
            }
            ASSERT_EQ(left, expected) << at;
        }
        const bool at_the_end = at >= outbox_head_bytes + 2 * record;
        ASSERT_EQ(outbox_->problems().empty(), at_the_end)
            << at << ": the last record cannot be told from one that was cut off";
    }
}

TEST_F(AnOutbox, ARecordInsideOfADamagedMessageIsNotTakenForOne) {
    OutboxMessage carrier = message(1);
    carrier.content = encode_outbox_message(message(66));
    ASSERT_TRUE(outbox_->add(carrier));
    add(2);
    std::string flipped = bytes();
    flipped[outbox_head_bytes + 20] ^= 1;
    write(flipped);
    open();
    EXPECT_THAT(pending(), ElementsAre(2));
}

TEST_F(AnOutbox, DamageThatComesWhileItIsOpenIsNamedAndSkipped) {
    for (std::uint64_t i = 1; i <= 3; ++i) add(i);
    std::fstream file(path_ / "messages", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(outbox_head_bytes + 40));
    file.put('!');
    file.close();
    EXPECT_THAT(pending(), ElementsAre(2, 3));
    EXPECT_THAT(outbox_->problems(), ElementsAre(HasSubstr("are damaged")));
    EXPECT_EQ(outbox_->stats().damaged, 1u);
}

TEST_F(AnOutbox, AForeignFileIsRefusedAndNotTouched) {
    write("dear diary, today I wrote no outbox at all");
    const auto opened = Outbox::open(path_, mebibyte);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("is no outbox"));
    EXPECT_THAT(bytes(), HasSubstr("dear diary"));
}

TEST_F(AnOutbox, ADiskWithoutRoomRefusesTheMessageAndKeepsTheOthers) {
    outbox_.reset();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto outbox = Outbox::open(path_, mebibyte);
        if (!outbox) ::_exit(10);
        std::uint64_t number = 0;
        tl::expected<void, Outbox::Error> added;
        while ((added = (*outbox)->add(message(++number, 500)))) {
        }
        if (added.error().reason != Reason::disk) ::_exit(11);
        if ((*outbox)->stats().messages != number - 1) ::_exit(12);
        if (!(*outbox)->add(message(99, 1))) ::_exit(13);  // a smaller one still fits
        ::_exit(static_cast<int>(number - 1));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    const int kept = WEXITSTATUS(status);
    ASSERT_EQ(kept, 6);
    open();
    EXPECT_THAT(pending(), ElementsAre(1, 2, 3, 4, 5, 6, 99));
    EXPECT_THAT(outbox_->problems(), IsEmpty());
}

TEST_F(AnOutbox, ManyThreadsShareFlushes) {
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (std::uint64_t i = 1; i <= 50; ++i) {
                const OutboxMessage own = message(thread * 1000 + i);
                ASSERT_TRUE(outbox_->add(own));
                if (i % 2 == 0) outbox_->settle(own.id);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(outbox_->stats().messages, 100u);
    EXPECT_LE(outbox_->stats().flushes, 200u);
    open();
    EXPECT_THAT(pending(), SizeIs(100));
}

/// Adds and settles for ever; tells each step when it is over: '+' or '-' and the number.
[[noreturn]] void work_until_killed(const fs::path& path, int out, std::uint64_t first,
                                    unsigned seed) {
    auto outbox = Outbox::open(path, 256 * 1024);
    if (!outbox) ::_exit(1);
    std::mt19937 random{seed};
    std::vector<std::uint64_t> open;
    for (std::uint64_t number = first;; ++number) {
        const bool added = (*outbox)->add(message(number, random() % 3000)).has_value();
        if (added) open.push_back(number);
        const std::uint64_t line[2] = {std::uint64_t{'+'}, number};
        if (added && ::write(out, line, sizeof line) != sizeof line) ::_exit(2);
        while (!open.empty() && (open.size() > 20 || random() % 2 == 0)) {
            const std::size_t which = random() % open.size();
            const std::uint64_t about[2] = {std::uint64_t{'-'}, open[which]};
            // Told before: whether it was written is then open.
            if (::write(out, about, sizeof about) != sizeof about) ::_exit(2);
            (*outbox)->settle(message(open[which]).id);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        }
    }
}

TEST_F(AnOutbox, WhatItSaidYesToIsThereAfterKillNineAtAnyPoint) {
    outbox_.reset();
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    std::set<std::uint64_t> must_be_there;
    for (unsigned round = 0; round < 25; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            work_until_killed(path_, ends[1], 1 + std::uint64_t{round} * 1'000'000, seed + round);
        }
        ::close(ends[1]);
        // Killed after so many steps, in the middle of whatever it does then.
        std::uint64_t line[2];
        for (auto steps = 1 + random() % 150; steps > 0; --steps) {
            if (::read(ends[0], line, sizeof line) != sizeof line) break;
            if (line[0] == '+') must_be_there.insert(line[1]);
            if (line[0] == '-') must_be_there.erase(line[1]);
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], line, sizeof line) == sizeof line) {
            if (line[0] == '+') must_be_there.insert(line[1]);
            if (line[0] == '-') must_be_there.erase(line[1]);
        }
        ::close(ends[0]);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);

        open();
        ASSERT_THAT(outbox_->problems(), IsEmpty());
        std::set<std::uint64_t> there;
        for (const auto& left : outbox_->pending(0, 1 << 30)) {
            there.insert(left.message.seq);
            ASSERT_EQ(left.message.digest,
                      signing::message_digest(left.message.topic, left.message.content));
        }
        for (const std::uint64_t number : must_be_there) ASSERT_TRUE(there.contains(number));
        for (const std::uint64_t number : there) outbox_->settle(message(number).id);
        must_be_there.clear();
        outbox_.reset();
    }
}

}  // namespace
}  // namespace weft::reliability
