// Signatures of webhooks, by the public vectors of Standard Webhooks (rule W1).

#include "signing/webhook_signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::uint64_t timestamp = 1614265330;
constexpr const char* body = R"({"test": 2432232314})";
constexpr const char* secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr const char* private_key =
    "whsk_6Xb/dCcHpPea21PS1N9VY/"
    "NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
constexpr const char* public_key = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
constexpr const char* v1a =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"
    "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

std::string content() {
    return webhook_content(id, timestamp, body);
}

TEST(WebhookSignature, SignsThePublicVectorOfV1) {
    EXPECT_EQ(WebhookSecret::parse(secret)->sign(content()), v1);
    EXPECT_EQ(WebhookSecret::parse(secret)->reveal(), secret);
}

TEST(WebhookSignature, SignsThePublicVectorOfV1a) {
    const auto key = WebhookKey::parse(private_key);
    ASSERT_TRUE(key) << key.error();
    EXPECT_EQ(key->sign(content()), v1a);
    EXPECT_EQ(key->public_key(), public_key);
    EXPECT_EQ(key->reveal(), private_key);
}

TEST(WebhookSignature, HoldsForAReceiverThatHasOneOfTheKeys) {
    const std::string header = std::string{v1} + " " + v1a;
    EXPECT_TRUE(webhook_signature_holds(secret, header, content()));
    EXPECT_TRUE(webhook_signature_holds(public_key, header, content()));
    EXPECT_TRUE(webhook_signature_holds(secret, std::string{"v1,AAAA "} + v1, content()));
    EXPECT_FALSE(webhook_signature_holds(secret, v1a, content()));
    EXPECT_FALSE(webhook_signature_holds(public_key, v1, content()));
    EXPECT_FALSE(webhook_signature_holds("whpk_", header, content()));
    EXPECT_FALSE(webhook_signature_holds(secret, "", content()));
}

// W1: the same JSON in other bytes is another message.
TEST(WebhookSignature, DiffersIfTheBodyWasSerialisedAgain) {
    const std::string again = webhook_content(id, timestamp, R"({"test":2432232314})");
    EXPECT_NE(WebhookSecret::parse(secret)->sign(again), v1);
    EXPECT_FALSE(webhook_signature_holds(public_key, v1a, again));
}

// W1: neither a later time nor another id may be put to an old body.
TEST(WebhookSignature, CoversTheIdAndTheTime) {
    EXPECT_FALSE(webhook_signature_holds(secret, v1, webhook_content(id, timestamp + 1, body)));
    EXPECT_FALSE(webhook_signature_holds(secret, v1, webhook_content("msg_x", timestamp, body)));
    EXPECT_FALSE(webhook_signature_holds(public_key, v1a, webhook_content("m", timestamp, body)));
}

TEST(WebhookSignature, MakesKeysThatAreAllDifferentAndReadBack) {
    const WebhookSecret one = WebhookSecret::generate(), other = WebhookSecret::generate();
    EXPECT_NE(one.reveal(), other.reveal());
    EXPECT_EQ(WebhookSecret::parse(one.reveal())->sign("x"), one.sign("x"));
    const WebhookKey key = WebhookKey::generate();
    EXPECT_NE(key.public_key(), WebhookKey::generate().public_key());
    EXPECT_TRUE(webhook_signature_holds(key.public_key(), key.sign("x"), "x"));
    EXPECT_EQ(WebhookKey::parse(key.reveal())->public_key(), key.public_key());
}

TEST(WebhookSignature, RefusesSecretsThatAreShortLongOrNotOfThisKindWithoutShowingThem) {
    const auto of = [](std::size_t bytes) { return "whsec_" + to_base64(std::string(bytes, 's')); };
    EXPECT_TRUE(WebhookSecret::parse(of(24)));
    EXPECT_TRUE(WebhookSecret::parse(of(64)));
    for (const std::string& text : {of(23), of(65), of(0), std::string{"whsec_?"},
                                    std::string{private_key}, std::string{"MfKQ9r8GKYqrTwjU"}}) {
        const auto parsed = WebhookSecret::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error(), HasSubstr("24 to 64"));
        EXPECT_THAT(parsed.error(), Not(HasSubstr("c3Nz")));
    }
    EXPECT_FALSE(WebhookKey::parse(secret));
    EXPECT_FALSE(WebhookKey::parse("whsk_AAAA"));
}

TEST(WebhookSignature, RefusesAPrivateKeyWhoseHalvesDoNotBelongTogether) {
    std::string text = private_key;
    text[70] = text[70] == 'A' ? 'B' : 'A';
    const auto key = WebhookKey::parse(text);
    ASSERT_FALSE(key);
    EXPECT_THAT(key.error(), HasSubstr("belong together"));
}

}  // namespace
}  // namespace weft::signing
