#include "signing/armor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::signing {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view armored =
    "-----BEGIN WEFT CERTIFICATE-----\n"
    "Zm9vYmFy\n"
    "-----END WEFT CERTIFICATE-----\n";

std::string error_of(std::string_view text, ArmorLabel label = ArmorLabel::certificate) {
    const auto content = unarmor(label, text);
    return content ? "" : content.error();
}

TEST(Armor, IsBase64BetweenTwoLines) {
    EXPECT_EQ(armor(ArmorLabel::certificate, "foobar"), armored);
}

TEST(Armor, NamesWhatItHolds) {
    EXPECT_THAT(armor(ArmorLabel::signing_key, "x"), HasSubstr("-----BEGIN WEFT SIGNING KEY-----"));
    EXPECT_THAT(armor(ArmorLabel::ca_key, "x"), HasSubstr("-----BEGIN WEFT CA KEY-----"));
    EXPECT_THAT(armor(ArmorLabel::ca, "x"), HasSubstr("-----BEGIN WEFT CA-----"));
    EXPECT_THAT(armor(ArmorLabel::revocation_list, "x"),
                HasSubstr("-----END WEFT REVOCATION LIST-----"));
}

TEST(Armor, ComesBackAsItWasWhateverItsLength) {
    for (std::size_t length = 1; length < 300; ++length) {
        const std::string content(length, '\xA5');
        const auto back = unarmor(ArmorLabel::ca, armor(ArmorLabel::ca, content));
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(*back, content);
    }
}

TEST(Armor, BreaksItsLinesAfter64Characters) {
    const std::string text = armor(ArmorLabel::ca, std::string(100, 'x'));
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        EXPECT_LE(end - at, 64U);
        at = end + 1;
    }
}

TEST(Armor, MayHaveTheLineEndsOfOtherSystemsOrNoneAtTheEnd) {
    EXPECT_EQ(error_of("-----BEGIN WEFT CERTIFICATE-----\r\nZm9v\r\n"
                       "-----END WEFT CERTIFICATE-----\r\n"),
              "");
    EXPECT_EQ(error_of(armored.substr(0, armored.size() - 1)), "");
}

TEST(Armor, IsRefusedUnderAnotherLabelAndSaysWhich) {
    EXPECT_THAT(error_of(armored, ArmorLabel::signing_key),
                HasSubstr("must start with '-----BEGIN WEFT SIGNING KEY-----', but it holds "
                          "'WEFT CERTIFICATE'"));
    EXPECT_THAT(error_of(armor(ArmorLabel::ca_key, "x"), ArmorLabel::ca),
                HasSubstr("but it holds 'WEFT CA KEY'"));
}

TEST(Armor, IsRefusedWithAnythingAroundIt) {
    EXPECT_THAT(error_of(std::string(armored) + "\n"), HasSubstr("something follows"));
    EXPECT_THAT(error_of(std::string(armored) + "x"), HasSubstr("something follows"));
    EXPECT_THAT(error_of(std::string(armored).append(armored)), HasSubstr("something follows"));
    EXPECT_THAT(error_of(std::string(" ").append(armored)), HasSubstr("must start with"));
    EXPECT_THAT(error_of(std::string("comment\n").append(armored)), HasSubstr("must start with"));
}

TEST(Armor, IsRefusedWhenItIsCutAnywhere) {
    for (std::size_t length = 0; length + 1 < armored.size(); ++length) {
        EXPECT_NE(error_of(armored.substr(0, length)), "") << length;
    }
}

TEST(Armor, IsRefusedWithAnythingButBase64Within) {
    const auto with = [](const std::string& body) {
        return error_of("-----BEGIN WEFT CERTIFICATE-----\n" + body +
                        "\n-----END WEFT CERTIFICATE-----\n");
    };
    EXPECT_THAT(with("Zm9v YmFy"), HasSubstr("not base64"));
    EXPECT_THAT(with("Zm9vYmF"), HasSubstr("not base64"));
    EXPECT_THAT(with("Proc-Type: 4,ENCRYPTED\n\nZm9v"), HasSubstr("not base64"));
    EXPECT_THAT(with(std::string("Zm9v\0", 5)), HasSubstr("not base64"));
    EXPECT_THAT(with(""), HasSubstr("not base64"));
}

TEST(Armor, OfASecretIsTheSameText) {
    const Secret content = Secret::copy_of("foobar");
    const Secret text = armor_secret(ArmorLabel::certificate, content);
    EXPECT_EQ(text.reveal(), armored);
    const auto back = unarmor_secret(ArmorLabel::certificate, text);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->reveal(), "foobar");
}

TEST(Armor, OfASecretIsReadJustAsStrictly) {
    for (const std::string& text :
         {std::string(armored) + "x", std::string("x"), std::string("-----BEGIN ")}) {
        EXPECT_FALSE(unarmor_secret(ArmorLabel::certificate, Secret::copy_of(text))) << text;
    }
    EXPECT_FALSE(unarmor_secret(ArmorLabel::ca_key, Secret::copy_of(armored)));
}

}  // namespace
}  // namespace weft::signing
