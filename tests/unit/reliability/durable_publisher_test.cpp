// Durable publishes with an outbox: what no journal acknowledged is kept, is never called a
// success, and is handed in once.

#include <optional>
#include <string>
#include <vector>

#include "reliability/reliable_publisher.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/recorder.hpp"
#include "tests/support/fake_journal.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability {
namespace {

using fabric::Body;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Reason = PublishFailure::Reason;
using Verdict = Outcome::Verdict;

constexpr const char* journal_at = "inproc://journal";

class DurablePublisher : public ReliableWorld {
protected:
    DurablePublisher() {
        issue("git");
        issue("c", {signing::Role::publish, signing::Role::ack, signing::Role::journal});
        git_ = open("git", "", &shifted_);
        open_publisher();
    }

    [[nodiscard]] Settings settings() const {
        Settings settings;
        settings.journals = {"c"};
        settings.journal_endpoints = {{"c", journal_at}};
        settings.outbox = world_.signing.directory() / "outbox";
        settings.outbox_max = outbox_max_;
        return settings;
    }
    void open_publisher() {
        reliable_.reset();
        reliable_.emplace(*git_.fabric, settings());
    }
    /// A journal that is asked; what passes it does not hear.
    void serve() {
        auto opened =
            JournalService::open(*world_.transport, clock_, service_settings(), journal_,
                                 fabric::shared(identity_of("c")), world_.signing.trust());
        service_ = support::must(std::move(opened));
    }
    [[nodiscard]] static JournalServiceSettings service_settings() {
        JournalServiceSettings settings;
        settings.space = {"org.weft", "dev"};
        settings.endpoints = {journal_at};
        return settings;
    }
    /// A journal that hears what passes and says `stored`.
    void record() {
        hub_ = open("c");
        recorder_.emplace(*hub_.fabric, journal_, std::vector<std::string>{});
    }
    [[nodiscard]] static ReliableOptions durable(milliseconds timeout = short_timeout) {
        ReliableOptions options;
        options.durable = true;
        options.ack_timeout = timeout;
        return options;
    }
    tl::expected<Receipt, PublishFailure> publish(const ReliableOptions& options = durable()) {
        return reliable_->try_publish("deploy", body_.view(), options);
    }
    PendingAcks pending(const ReliableOptions& options) {
        auto made = reliable_->publish_async("deploy", body_.view(), options);
        if (!made) throw std::runtime_error(made.error().sentence);
        return *made;
    }
    /// Time passes while it is waited for: pauses between attempts are long.
    [[nodiscard]] bool handed_in() {
        return eventually([this] {
            if (reliable_->wait_handed_in(milliseconds{20})) return true;
            shifted_.pass(std::chrono::seconds{1});
            return false;
        });
    }
    [[nodiscard]] std::vector<fabric::MessageId> stored() {
        std::vector<fabric::MessageId> ids;
        const auto page = journal_.read({}, {}, {.messages = 10'000});
        for (const StoredRun& run : page->runs) {
            for_each_message(run, [&](JournalId, std::string_view content) {
                fabric::DecodedContent decoded;
                EXPECT_TRUE(fabric::decode_content(content, decoded));
                ids.push_back(decoded.header.id);
            });
        }
        return ids;
    }
    [[nodiscard]] std::size_t kept() const { return reliable_->outbox_stats()->kept; }

    std::uint64_t outbox_max_ = 1 << 20;
    support::FakeJournal journal_;
    Party git_, hub_;
    std::unique_ptr<JournalService> service_;
    std::optional<Recorder> recorder_;
    std::optional<ReliablePublisher> reliable_;
    Body body_{{"version", "1.4"}};
};

TEST_F(DurablePublisher, WhatNoJournalAcknowledgedIsAFailureThatSaysThatItIsKept) {
    const auto receipt = publish();

    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().reason, Reason::not_acknowledged);
    EXPECT_TRUE(receipt.error().kept);
    EXPECT_EQ(receipt.error().outcome->verdict(), Verdict::unknown);
    EXPECT_THAT(receipt.error().sentence,
                AllOf(HasSubstr("c did not answer"), HasSubstr("kept in the outbox")));
    EXPECT_EQ(kept(), 1u);
    EXPECT_FALSE(reliable_->wait_handed_in(milliseconds{0}));
}

TEST_F(DurablePublisher, WhatIsKeptIsHandedInOnceAndInItsOrderWhenAJournalComes) {
    std::vector<PendingAcks> waits;
    for (int i = 0; i < 20; ++i) waits.push_back(pending(durable()));
    std::vector<fabric::MessageId> ids;
    for (const PendingAcks& wait : waits) {
        EXPECT_FALSE(wait.wait()->ok());
        EXPECT_TRUE(wait.kept());
        ids.push_back(wait.id());
    }
    EXPECT_EQ(kept(), 20u);

    serve();

    ASSERT_TRUE(handed_in());
    EXPECT_EQ(stored(), ids);
    EXPECT_EQ(kept(), 0u);
    EXPECT_EQ(reliable_->outbox_stats()->handed_in, 20u);
}

TEST_F(DurablePublisher, WhatAnEarlierOneLeftIsHandedInByTheNext) {
    const PendingAcks wait = pending(durable(long_timeout));
    reliable_.reset();
    EXPECT_EQ(wait.wait()->verdict(), Verdict::aborted);
    EXPECT_TRUE(wait.kept());
    serve();

    open_publisher();

    ASSERT_TRUE(handed_in());
    EXPECT_EQ(stored(), std::vector{wait.id()});
}

TEST_F(DurablePublisher, WhatIsAcknowledgedInTimeLeavesTheOutboxAndIsNotHandedIn) {
    record();
    serve();

    for (int i = 0; i < 5; ++i) {
        const auto receipt = publish(durable(long_timeout));
        ASSERT_TRUE(receipt) << receipt.error().sentence;
    }

    // Settled by whoever told us, maybe a moment later.
    ASSERT_TRUE(eventually([this] { return kept() == 0; }));
    EXPECT_TRUE(reliable_->wait_handed_in(milliseconds{0}));
    EXPECT_EQ(service_->stats().requests, 0u);
    EXPECT_EQ(stored().size(), 5u);
    open_publisher();
    EXPECT_EQ(kept(), 0u);
}

TEST_F(DurablePublisher, WhatStillWaitsForItsAcknowledgementIsLeftAlone) {
    serve();
    const PendingAcks wait = pending(durable(long_timeout));
    shifted_.pass(std::chrono::seconds{10});

    EXPECT_TRUE(reliable_->wait_handed_in(milliseconds{0}));
    EXPECT_EQ(kept(), 1u);
    EXPECT_FALSE(wait.done());
    EXPECT_THAT(stored(), IsEmpty());

    reliable_->close();
    EXPECT_EQ(wait.wait()->verdict(), Verdict::aborted);
    ASSERT_TRUE(handed_in());
    EXPECT_EQ(stored(), std::vector{wait.id()});
}

TEST_F(DurablePublisher, ARejectionIsNoSuccessAndIsHandedInWhenTheJournalCanAgain) {
    journal_.fail_with(JournalError{JournalError::Reason::disk_full, "no room"});
    record();
    serve();

    const auto receipt = publish(durable(long_timeout));

    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().outcome->verdict(), Verdict::rejected);
    EXPECT_TRUE(receipt.error().kept);
    journal_.fail_with(std::nullopt);
    ASSERT_TRUE(handed_in());
    EXPECT_EQ(stored(), std::vector{receipt.error().outcome->about().id});
}

TEST_F(DurablePublisher, AFullOutboxIsAnErrorNothingIsSentAndNothingIsLost) {
    outbox_max_ = Outbox::bytes_least;
    open_publisher();
    body_ = Body::text(std::string(10'000, 'x'));
    std::vector<fabric::MessageId> ids;
    const auto publish_one = [this] {
        return reliable_->publish_async("deploy", body_.view(), durable(long_timeout));
    };
    auto last = publish_one();
    for (; last; last = publish_one()) {
        ids.push_back(last->id());
        ASSERT_LT(ids.size(), 10u);
    }
    EXPECT_EQ(last.error().reason, Reason::outbox_full);
    EXPECT_FALSE(last.error().kept);
    EXPECT_THAT(last.error().sentence,
                AllOf(HasSubstr("is full"), HasSubstr("reliability.outbox_max"),
                      HasSubstr("Nothing was published")));
    EXPECT_EQ(reliable_->stats().opened, ids.size());
    EXPECT_EQ(reliable_->waiting(), ids.size());
    EXPECT_EQ(kept(), ids.size());

    serve();

    shifted_.pass(std::chrono::duration_cast<std::chrono::seconds>(long_timeout));
    ASSERT_TRUE(eventually([this] { return reliable_->waiting() == 0; }));
    ASSERT_TRUE(eventually([&] { return reliable_->outbox_stats()->waiting == ids.size(); }));
    ASSERT_TRUE(handed_in());
    EXPECT_EQ(stored(), ids);
    EXPECT_TRUE(publish_one());
}

TEST_F(DurablePublisher, WithoutAnOutboxAndWithoutDurableNothingIsKept) {
    ReliableOptions plain;
    plain.recipients = "c";
    plain.ack_timeout = short_timeout;
    const auto receipt = publish(plain);
    ASSERT_FALSE(receipt);
    EXPECT_FALSE(receipt.error().kept);
    EXPECT_EQ(kept(), 0u);

    Settings none = settings();
    none.outbox.clear();
    reliable_.reset();
    reliable_.emplace(*git_.fabric, none);
    EXPECT_FALSE(publish().error().kept);
    EXPECT_FALSE(reliable_->outbox_stats());
    EXPECT_TRUE(reliable_->wait_handed_in(milliseconds{0}));
}

TEST_F(DurablePublisher, AnOutboxThatAnotherHasIsSaidAtTheStart) {
    try {
        const ReliablePublisher second(*git_.fabric, settings());
        FAIL() << "two have one outbox";
    } catch (const OutboxUnusable& unusable) {
        EXPECT_THAT(unusable.what(), HasSubstr("another process uses it"));
    }
}

}  // namespace
}  // namespace weft::reliability
