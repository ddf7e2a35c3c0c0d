// What an outbox keeps, handed to a real journal service with real keys.

#include "reliability/outbox/outbox_sender.hpp"

#include <atomic>
#include <optional>

#include "tests/unit/reliability/reliable_world.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reason = JournalError::Reason;

/// Never answers, until it is closed.
class SilentJournal final : public Journal {
public:
    using Journal::append;
    void append(std::vector<RunToStore>, OnAppended done) override {
        std::unique_lock lock(mutex_);
        done_ = std::move(done);
        asked_->add(1);
        if (closed_) answer(lock);
    }
    void close() override {
        std::unique_lock lock(mutex_);
        closed_ = true;
        answer(lock);
    }
    explicit SilentJournal(std::shared_ptr<Seen<int>> asked) : asked_(std::move(asked)) {}

    static JournalError none() { return {Reason::away, "not faked"}; }
    JournalResult<Page> read(Position, const TopicFilter&, const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<Page> read_stream(const StreamRange&, const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<Page> read_last_of_topics(Position, const TopicFilter&,
                                            const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<JournalId> id_at(std::uint64_t) override { return tl::make_unexpected(none()); }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<std::vector<JournalId>> children(const fabric::MessageId&, JournalId,
                                                   std::size_t) override {
        return tl::make_unexpected(none());
    }
    JournalInfo info() override { return {}; }
    JournalId wait(JournalId, milliseconds) override { return 0; }
    std::shared_ptr<void> watch(OnHead) override { return nullptr; }
    JournalResult<JournalId> trim(JournalId) override { return tl::make_unexpected(none()); }
    JournalResult<JournalId> low_for_bytes(std::uint64_t) override {
        return tl::make_unexpected(none());
    }
    JournalResult<Expired> expire(Position, const TopicFilter&, std::uint64_t,
                                  const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    StateStore& state() override { return state_; }

private:
    void answer(std::unique_lock<std::mutex>& lock) {
        const auto done = std::exchange(done_, nullptr);
        lock.unlock();
        if (done) done(tl::make_unexpected(JournalError{Reason::closed, "closed"}));
    }
    std::mutex mutex_;
    OnAppended done_;
    bool closed_ = false;
    std::shared_ptr<Seen<int>> asked_;
    support::FakeState state_;
};

class AnOutboxSender : public ::testing::Test {
protected:
    void SetUp() override { open(); }
    /// As after a crash: what is in the file is all that is known.
    void open() {
        sender_.reset();
        outbox_.reset();
        outbox_ = support::must(Outbox::open(directory_.path() / "outbox", 1 << 20));
    }
    fabric::MessageId put(const std::string& topic, std::uint64_t seq) {
        OutboxMessage message;
        fabric::ContentHeader header = fabric::sample_header();
        header.id = fabric::MessageId::make(1'800'000'000'000);
        header.epoch = message.epoch = 3;
        header.seq = message.seq = seq;
        header.content_type = "text/plain";
        message.id = header.id;
        message.topic = topic;
        message.content = fabric::encoded(header, "hello");
        message.digest = signing::message_digest(message.topic, message.content);
        EXPECT_TRUE(outbox_->add(message));
        return message.id;
    }
    std::vector<fabric::MessageId> put(std::uint64_t from, std::uint64_t to,
                                       const std::string& topic = ServiceWorld::topic) {
        std::vector<fabric::MessageId> ids;
        for (std::uint64_t seq = from; seq <= to; ++seq) ids.push_back(put(topic, seq));
        return ids;
    }
    OutboxSenderOptions::Target hub() {
        return {"hub", [this]() -> OutboxSenderOptions::Opened {
                    RemoteSettings settings = world_.remote_settings();
                    settings.answer_timeout = milliseconds{150};
                    settings.patience = until_away_;
                    return world_.remote(settings, identity_);
                }};
    }
    OutboxSenderOptions options() {
        OutboxSenderOptions options;
        options.journals.push_back(hub());
        options.identity = [this] {
            const std::scoped_lock lock(mutex_);
            return identity_;
        };
        options.warn = [this](const std::string& line) { lines_.add(line); };
        options.retries = {.first = milliseconds{1}, .longest = milliseconds{10}};
        options.grace = milliseconds{0};
        return options;
    }
    OutboxSender& start(OutboxSenderOptions options) {
        sender_.emplace(*outbox_, world_.clock, std::move(options));
        return *sender_;
    }
    OutboxSender& start() { return start(options()); }
    [[nodiscard]] std::vector<fabric::MessageId> stored() {
        std::vector<fabric::MessageId> ids;
        const auto page = world_.journal.read({}, {}, {.messages = 10'000});
        for (const StoredRun& run : page->runs) {
            for_each_message(run, [&](JournalId, std::string_view content) {
                fabric::DecodedContent decoded;
                EXPECT_TRUE(fabric::decode_content(content, decoded));
                ids.push_back(decoded.header.id);
            });
        }
        return ids;
    }
    void renew() {
        const std::scoped_lock lock(mutex_);
        identity_ = fabric::shared(world_.somebody("git", Role::publish));
    }

    ServiceWorld world_;
    support::TemporaryDirectory directory_;
    std::mutex mutex_;
    std::shared_ptr<const signing::Identity> identity_ = fabric::shared(world_.git);
    Seen<std::string> lines_;
    std::atomic<bool> revoked_{false};
    /// A busy machine must not look like a journal that is away.
    milliseconds until_away_ = patience;
    std::unique_ptr<Outbox> outbox_;
    std::optional<OutboxSender> sender_;
};

TEST_F(AnOutboxSender, HandsInWhatAnEarlierProcessLeftOnceAndInItsOrder) {
    auto ids = put(1, 300);
    for (const auto& id : put(1, 5, "org.weft.dev.other")) ids.push_back(id);
    for (const auto& id : put(301, 310)) ids.push_back(id);
    open();
    world_.serve();

    start();

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(stored(), ids);
    EXPECT_EQ(outbox_->stats().messages, 0u);
    const auto stats = sender_->stats();
    EXPECT_EQ(stats.handed_in, ids.size());
    EXPECT_EQ(stats.settled, ids.size());
    EXPECT_EQ(stats.kept + stats.waiting + stats.refused, 0u);
    EXPECT_THAT(lines_.all(), IsEmpty());
    open();
    EXPECT_EQ(outbox_->stats().messages, 0u);
}

TEST_F(AnOutboxSender, WaitsForAJournalThatIsAwayAndSaysSoOnceAndWhenItGoesOn) {
    const auto ids = put(1, 3);
    until_away_ = milliseconds{150};
    start();
    ASSERT_TRUE(lines_.wait_for(1));
    EXPECT_FALSE(sender_->wait_empty(milliseconds{0}));
    EXPECT_EQ(outbox_->stats().messages, 3u);

    world_.serve();

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(stored(), ids);
    ASSERT_TRUE(lines_.wait_for(2));
    EXPECT_THAT(lines_.all(),
                ElementsAre(AllOf(HasSubstr("3 messages cannot be handed to a journal now"),
                                  HasSubstr("'hub'"), HasSubstr("outbox")),
                            HasSubstr("the journal hub answers")));
}

TEST_F(AnOutboxSender, WhatIsHandedInWithoutAnAnswerIsStoredOnceWhenItIsHandedInAgain) {
    const auto ids = put(1, 4);
    world_.serve();
    start();
    ASSERT_TRUE(sender_->wait_empty(patience));
    // The process was killed between the journal's answer and the settling.
    open();
    ASSERT_EQ(stored(), ids);
    const auto page = world_.journal.read({}, {}, {});
    for (const StoredRun& run : page->runs) {
        for_each_message(run, [&](JournalId, std::string_view content) {
            fabric::DecodedContent decoded;
            ASSERT_TRUE(fabric::decode_content(content, decoded));
            OutboxMessage again{decoded.header.id,      decoded.header.epoch,
                                decoded.header.seq,     signing::message_digest(run.topic, content),
                                std::string{run.topic}, std::string{content}};
            ASSERT_TRUE(outbox_->add(again));
        });
    }

    start();

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(sender_->stats().settled, 4u);
    EXPECT_EQ(stored(), ids);
}

TEST_F(AnOutboxSender, WhatIsAddedLaterIsLeftAloneUntilItIsReleased) {
    world_.serve();
    start();
    const auto ids = put(1, 2);

    sender_->release(ids[1]);

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_THAT(stored(), ElementsAre(ids[1]));
    EXPECT_EQ(outbox_->stats().messages, 1u);
    sender_->release(ids[0]);
    sender_->release(fabric::MessageId::make(1));
    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_THAT(stored(), ElementsAre(ids[1], ids[0]));
}

TEST_F(AnOutboxSender, WhatIsRefusedForGoodIsKeptAndNamedOnceAndDoesNotHoldUpTheOthers) {
    const auto before = put(1, 3);
    // Another message has this number: the journal will not have two.
    world_.store(4, 4);
    const auto bad = put(4, 4);
    const auto after = put(5, 9);
    world_.serve();

    start();

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(sender_->stats().refused, 1u);
    EXPECT_EQ(sender_->stats().handed_in, 8u);
    EXPECT_THAT(stored(), SizeIs(9));
    EXPECT_THAT(lines_.all(), ElementsAre(AllOf(HasSubstr(bad[0].text()), HasSubstr("is refused"),
                                                HasSubstr("is stored with other bytes"))));
    open();
    ASSERT_EQ(outbox_->stats().messages, 1u);
    EXPECT_EQ(outbox_->kept().front().id, bad[0]);
}

TEST_F(AnOutboxSender, WhatARevokedSignerPublishedIsKeptUntilItHasANewCertificate) {
    const auto ids = put(1, 2);
    world_.serve();
    world_.signing.revoke(world_.git);
    auto with_trust = options();
    revoked_ = true;
    with_trust.own_refusal = [this] {
        return std::string{revoked_ ? "our own certificate 'git': it was revoked" : ""};
    };
    start(std::move(with_trust));
    ASSERT_TRUE(lines_.wait_for(1));
    EXPECT_THAT(lines_.all().front(), AllOf(HasSubstr("2 messages"), HasSubstr("it was revoked")));
    EXPECT_EQ(outbox_->stats().messages, 2u);
    EXPECT_THAT(stored(), IsEmpty());

    renew();
    revoked_ = false;

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(stored(), ids);
}

TEST_F(AnOutboxSender, ATopicThatWasNotGrantedHasItsTurnAgainWithANewCertificate) {
    const auto narrow = world_.signing.identity(
        "git", {.globs = {"org.weft.dev.else"}, .roles = support::roles_of({Role::publish})});
    identity_ = fabric::shared(narrow);
    const auto ids = put(1, 2);
    world_.serve();
    start();
    ASSERT_TRUE(lines_.wait_for(2));
    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(sender_->stats().refused, 2u);
    ASSERT_THAT(lines_.all(), SizeIs(2));
    EXPECT_THAT(lines_.all()[0], AllOf(HasSubstr(ids[0].text()), HasSubstr("topic_not_granted")));

    renew();

    ASSERT_TRUE(eventually([&] { return outbox_->stats().messages == 0; }));
    EXPECT_EQ(stored(), ids);
    EXPECT_THAT(lines_.all(), SizeIs(2));
}

TEST_F(AnOutboxSender, AsksTheNextJournalWhenTheFirstDoesNotTakeIt) {
    const auto ids = put(1, 3);
    world_.serve();
    auto two = options();
    two.journals.insert(two.journals.begin(),
                        {"nobody", []() -> OutboxSenderOptions::Opened {
                             return tl::make_unexpected(std::string{"there is none"});
                         }});

    start(std::move(two));

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(stored(), ids);
    EXPECT_THAT(lines_.all(), IsEmpty());
}

TEST_F(AnOutboxSender, AFullDiskOfTheJournalIsWaitedFor) {
    const auto ids = put(1, 3);
    world_.journal.fail_with(JournalError{Reason::disk_full, "no room"});
    world_.serve();
    start();
    ASSERT_TRUE(lines_.wait_for(1));
    EXPECT_THAT(lines_.all().front(), HasSubstr("no room"));

    world_.journal.fail_with(std::nullopt);

    ASSERT_TRUE(sender_->wait_empty(patience));
    EXPECT_EQ(stored(), ids);
}

TEST_F(AnOutboxSender, NothingIsHandedInBeforeItsGraceHasPassed) {
    put(1, 1);
    world_.serve();
    auto patient = options();
    patient.grace = std::chrono::hours{1};

    start(std::move(patient));

    EXPECT_FALSE(sender_->wait_empty(milliseconds{0}));
    EXPECT_EQ(sender_->stats().waiting, 1u);
    EXPECT_EQ(world_.service->stats().requests, 0u);
}

TEST_F(AnOutboxSender, StopsWithoutAnAnswer) {
    put(1, 1);
    auto asked = std::make_shared<Seen<int>>();
    auto silent = options();
    silent.journals = {{"silent", [asked]() -> OutboxSenderOptions::Opened {
                            return std::make_unique<SilentJournal>(asked);
                        }}};
    start(std::move(silent));
    ASSERT_TRUE(asked->wait_for(1));

    sender_.reset();

    EXPECT_EQ(outbox_->stats().messages, 1u);
}

}  // namespace
}  // namespace weft::reliability
