// The requests of webhooks: headers of Standard Webhooks over the bytes that are sent (W1).

#include "gateway/webhooks/webhook_presenter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/webhooks/details.hpp"
#include "signing/webhook_signature.hpp"
#include "tests/support/stored_event.hpp"

namespace weft::gateway::webhooks {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t now_us = 1'800'000'123'456'789;

delivery::Subscription subscription(const Details& details) {
    delivery::Subscription made;
    made.id = "wh_1";
    made.kind = kind;
    made.details = details.json();
    return made;
}

Details details() {
    Details made;
    made.keys.push_back(Keys::generate());
    return made;
}

std::string header(const delivery::OutgoingRequest& request, const std::string& name) {
    std::string found;
    for (const auto& [one, value] : request.headers) {
        if (one == name) found += value;
    }
    return found;
}

std::string content_of(const delivery::OutgoingRequest& request) {
    return signing::webhook_content(header(request, "webhook-id"),
                                    std::stoull(header(request, "webhook-timestamp")),
                                    request.body);
}

delivery::OutgoingRequest request_for(const Details& details, std::uint64_t at = now_us) {
    const std::vector events{support::stored_event()};
    return WebhookPresenter{}.request(subscription(details), events, {"d-1", 1, at});
}

TEST(WebhookPresenter, SignsTheBytesThatItSendsWithBothVersions) {
    const Details made = details();

    const auto request = request_for(made);

    const std::string signature = header(request, "webhook-signature");
    EXPECT_THAT(signature, StartsWith("v1,"));
    EXPECT_THAT(signature, HasSubstr(" v1a,"));
    EXPECT_TRUE(
        signing::webhook_signature_holds(made.keys[0].secret, signature, content_of(request)));
    EXPECT_TRUE(signing::webhook_signature_holds(made.keys[0].public_key(), signature,
                                                 content_of(request)));
}

// W1: the same JSON, written again by some library on the way, is refused.
TEST(WebhookPresenter, ItsSignatureDiffersIfTheBodyIsSerialisedAgain) {
    const Details made = details();
    auto request = request_for(made);
    const std::string again = nlohmann::json::parse(request.body).dump(1);
    ASSERT_NE(again, request.body);

    request.body = again;

    EXPECT_FALSE(signing::webhook_signature_holds(
        made.keys[0].public_key(), header(request, "webhook-signature"), content_of(request)));
}

// W1: the timestamp is the attempt's, the id the message's and without a dot.
TEST(WebhookPresenter, EachAttemptHasItsOwnTimeAndTheSameId) {
    const Details made = details();
    const std::vector events{support::stored_event()};
    const auto one = WebhookPresenter{}.request(subscription(made), events, {"d", 1, now_us});
    const auto other =
        WebhookPresenter{}.request(subscription(made), events, {"d", 2, now_us + 5'000'000});
    EXPECT_EQ(header(one, "webhook-timestamp"), "1800000123");
    EXPECT_EQ(header(other, "webhook-timestamp"), "1800000128");
    EXPECT_NE(header(one, "webhook-signature"), header(other, "webhook-signature"));
    EXPECT_EQ(header(one, "webhook-id"), events[0].message.id().text());
    EXPECT_EQ(header(other, "webhook-id"), header(one, "webhook-id"));
    EXPECT_THAT(header(one, "webhook-id"), Not(HasSubstr(".")));
}

TEST(WebhookPresenter, SeveralMessagesGoUnderTheIdOfTheirDelivery) {
    Details made = details();
    made.format = Format::batch;
    auto subscribed = subscription(made);
    subscribed.batching.max = 10;
    const std::vector events{support::stored_event(), support::stored_event()};
    const auto request = WebhookPresenter{}.request(subscribed, events, {"d-9", 1, now_us});
    EXPECT_EQ(header(request, "webhook-id"), "d-9");
}

// W1: two secrets while one is rotated out, then one.
TEST(WebhookPresenter, SignsWithTheOldSecretUntilItsOverlapIsOver) {
    Details made = details();
    const Keys old = made.keys[0];
    made.rotate(Keys::generate(), now_us, 1'000'000);
    ASSERT_EQ(made.keys.size(), 2U);

    const auto during = request_for(made, now_us + 999'999);
    const auto after = request_for(made, now_us + 1'000'000);

    const auto holds = [](const std::string& key, const delivery::OutgoingRequest& request) {
        return signing::webhook_signature_holds(key, header(request, "webhook-signature"),
                                                content_of(request));
    };
    EXPECT_TRUE(holds(old.secret, during));
    EXPECT_TRUE(holds(old.public_key(), during));
    EXPECT_TRUE(holds(made.keys[0].secret, during));
    EXPECT_TRUE(holds(made.keys[0].public_key(), after));
    EXPECT_FALSE(holds(old.secret, after));
    EXPECT_FALSE(holds(old.public_key(), after));
}

TEST(WebhookPresenter, KeepsAtMostThreeSecretsHoweverOftenOneIsRotated) {
    Details made = details();
    for (int i = 0; i < 10; ++i) made.rotate(Keys::generate(), now_us, 3'600'000'000);
    EXPECT_EQ(made.keys.size(), Details::keys_most);
    made.rotate(Keys::generate(), now_us, 0);
    EXPECT_EQ(made.keys.size(), 1U);
}

TEST(WebhookPresenter, SendsTheHeadersOfTheSubscription) {
    Details made = details();
    made.headers = {{"X-Team", "infra"}};
    EXPECT_EQ(header(request_for(made), "X-Team"), "infra");
}

TEST(WebhookPresenter, WantsWhatItsConditionsLetThrough) {
    Details made = details();
    EXPECT_TRUE(WebhookPresenter{}.wants(subscription(made), support::stored_event()));
    made.where = *Conditions::parse(nlohmann::json::parse(R"([{"path":"branch","eq":"main"}])"));
    EXPECT_TRUE(WebhookPresenter{}.wants(subscription(made), support::stored_event()));
    EXPECT_FALSE(WebhookPresenter{}.wants(subscription(made),
                                          support::stored_event({.body = R"({"branch":"dev"})"})));
}

TEST(WebhookPresenter, SendsNothingUnderADamagedRecord) {
    auto subscribed = subscription(details());
    subscribed.details.erase("keys");
    const std::vector events{support::stored_event()};
    const auto request = WebhookPresenter{}.request(subscribed, events, {"d", 1, now_us});
    EXPECT_TRUE(request.body.empty());
    EXPECT_TRUE(request.headers.empty());
}

TEST(WebhookDetails, ReadsBackWhatItWrote) {
    Details made = details();
    made.format = Format::weft;
    made.description = "for the deploy";
    made.headers = {{"X-A", "1"}, {"X-A", "2"}};
    made.where = *Conditions::parse(nlohmann::json::parse(R"([{"path":"a","gt":1}])"));
    made.rotate(Keys::generate(), now_us, 10);
    const auto read = Details::parse(made.json());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->json(), made.json());
    EXPECT_EQ(read->keys[1].until_us, now_us + 10);
}

}  // namespace
}  // namespace weft::gateway::webhooks
