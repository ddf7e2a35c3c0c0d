// The list of attempts, over a restart.

#include "gateway/delivery/live_engine.hpp"
#include "gateway/delivery/record.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/unit/gateway/delivery/delivery_world.hpp"

namespace weft::gateway::delivery {
namespace {

using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What differs between two restarts is nothing.
void expect_same(const std::vector<Attempt>& one, const std::vector<Attempt>& other) {
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(one[i].number, other[i].number);
        EXPECT_EQ(one[i].delivery, other[i].delivery);
        EXPECT_EQ(one[i].first, other[i].first);
        EXPECT_EQ(one[i].last, other[i].last);
        EXPECT_EQ(one[i].messages, other[i].messages);
        EXPECT_EQ(one[i].attempt, other[i].attempt);
        EXPECT_EQ(one[i].time_us, other[i].time_us);
        EXPECT_EQ(one[i].took, other[i].took);
        EXPECT_EQ(one[i].status, other[i].status);
        EXPECT_EQ(one[i].error, other[i].error);
        EXPECT_EQ(one[i].answer_begin, other[i].answer_begin);
        EXPECT_EQ(one[i].succeeded, other[i].succeeded);
        EXPECT_EQ(one[i].on_request, other[i].on_request);
    }
}

class LiveEngineAttempts : public DeliveryWorld {
protected:
    [[nodiscard]] std::string kept(const std::string& id = "one") {
        const auto text = bridge_.memory().state().get(std::string{attempts_prefix} + id);
        return text && *text ? **text : std::string{};
    }
    HttpReceiver receiver_;
};

TEST_F(LiveEngineAttempts, AreThereAfterARestartAndTheirNumbersGoOn) {
    receiver_.script([](const ReceivedRequest& request) {
        return request.number == 1 ? ReceiverDoes::answer(500, {}, "not \x01 \"now\"")
                                   : ReceiverDoes::answer(204, {}, "");
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    for (const char* body : {"a", "b"}) store(body);
    ASSERT_TRUE(eventually([&] { return attempts().size() == 3; }));
    ASSERT_TRUE(
        answer_of<Attempt>([&](auto done) { engine_->resend("one", 1, done); })->on_request);
    const auto before = attempts();
    ASSERT_EQ(before.size(), 4U);

    engine_.reset();
    open();
    expect_same(attempts(), before);
    store("c");
    ASSERT_TRUE(eventually([&] { return attempts().size() == 5; }));
    EXPECT_EQ(attempts().front().number, before.front().number + 1);
}

TEST_F(LiveEngineAttempts, AreWrittenWhileItRunsForWhoIsKilled) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    ASSERT_TRUE(eventually([&] { return !kept().empty(); }));
    EXPECT_TRUE(eventually([&] { return decode_attempts(kept())->size() == 1; }));
    store("b");
    EXPECT_TRUE(eventually([&] { return decode_attempts(kept())->size() == 2; }));
}

TEST_F(LiveEngineAttempts, OnlyTheLastAreKept) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    constexpr std::size_t made = Engine::attempts_kept + 20;
    for (std::size_t i = 0; i < made; ++i) store("a");
    ASSERT_TRUE(eventually([&] { return status().sent == made; }));
    engine_.reset();
    const auto all = decode_attempts(kept());
    ASSERT_TRUE(all) << all.error();
    EXPECT_EQ(all->size(), Engine::attempts_kept);
    EXPECT_EQ(all->back().number, made);
}

TEST_F(LiveEngineAttempts, GoWithTheirSubscription) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    ASSERT_TRUE(eventually([&] { return !kept().empty(); }));
    store("b");
    ASSERT_TRUE(eventually([&] { return attempts().size() == 2; }));
    EXPECT_TRUE(answer_of<void>([&](auto done) { engine_->remove("one", done); }));
    engine_.reset();
    EXPECT_THAT(kept(), IsEmpty()) << "nothing writes them again";
}

TEST_F(LiveEngineAttempts, ThatCannotBeReadBeginAnewAndAreNamed) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    ASSERT_TRUE(eventually([&] { return attempts().size() == 1; }));
    engine_.reset();
    const std::string good = kept();
    for (const std::string& bad :
         {std::string{"{"}, std::string{"[]"}, std::string{R"({"attempts": 7})"},
          std::string{R"({"attempts": [{"number": -1}]})"}, good.substr(0, good.size() / 2)}) {
        ASSERT_TRUE(bridge_.memory().state().apply({{std::string{attempts_prefix} + "one", bad}}));
        warnings_.clear();
        open();
        EXPECT_THAT(attempts(), IsEmpty()) << bad;
        EXPECT_THAT(warnings_, Contains(HasSubstr("the attempts of the subscription 'one'")));
        engine_.reset();
    }
}

/// Routemaster's are like that.
class Unshown final : public Presenter {
public:
    [[nodiscard]] std::string_view kind() const noexcept override { return "unshown"; }
    [[nodiscard]] bool wants(const Subscription&, const StoredEvent&) const override {
        return true;
    }
    [[nodiscard]] OutgoingRequest request(const Subscription&, std::span<const StoredEvent>,
                                          const AttemptContext&) const override {
        return {};
    }
};

TEST_F(LiveEngineAttempts, ThatNobodyIsShownAreNotWritten) {
    const Unshown unshown;
    auto opened = LiveEngine::open({bridge_, room_, clock_, settings_, limits_, {}, {}, {}, {}});
    ASSERT_TRUE(opened) << opened.error();
    engine_ = std::move(*opened);
    engine_->add(unshown);
    engine_->start();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.kind = "unshown";
    ASSERT_TRUE(put(subscription));
    store("a");
    ASSERT_TRUE(eventually([&] { return status().sent == 1; }));
    EXPECT_EQ(attempts().size(), 1U);
    engine_.reset();
    EXPECT_THAT(kept(), IsEmpty());
}

}  // namespace
}  // namespace weft::gateway::delivery
