#include "signing/revocation_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "signing/key_pair.hpp"
#include "signing/wire.hpp"
#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using ::testing::HasSubstr;
using testing::hour;
using testing::list_number;
using testing::must;
using testing::new_authority;
using testing::noon;

class RevocationLists : public ::testing::Test {
protected:
    [[nodiscard]] auto verify(std::string_view bytes) const {
        return RevocationList::verify(bytes, authority_.public_half());
    }

    const Authority authority_ = new_authority();
};

TEST_F(RevocationLists, SayWhatWasSigned) {
    const auto list = must(
        verify(authority_.sign_list(list_number(9, {{30, noon + 1, RevocationReason::retired},
                                                    {10, noon, RevocationReason::superseded}}))));
    EXPECT_EQ(list.number(), 9U);
    EXPECT_EQ(list.issuer(), authority_.public_half().id());
    EXPECT_EQ(list.this_update(), noon - hour);
    EXPECT_EQ(list.next_update(), noon + 48 * hour);
    EXPECT_THAT(list.revocations(),
                ::testing::ElementsAre(Revocation{10, noon, RevocationReason::superseded},
                                       Revocation{30, noon + 1, RevocationReason::retired}));
}

TEST_F(RevocationLists, MayBeEmpty) {
    const auto list = must(verify(authority_.sign_list(list_number(1))));
    EXPECT_TRUE(list.revocations().empty());
    EXPECT_EQ(list.find(0), nullptr);
}

TEST_F(RevocationLists, FindEverySerialOnThemAndNoOther) {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    std::vector<Revocation> revocations{{0, noon, {}}, {largest, noon, {}}};
    for (std::uint64_t serial = 10; serial < 2000; serial += 2) {
        revocations.push_back({serial, noon, {}});
    }
    const auto list = must(verify(authority_.sign_list(list_number(1, revocations))));
    for (const Revocation& entry : revocations) {
        ASSERT_NE(list.find(entry.serial), nullptr) << entry.serial;
        EXPECT_EQ(list.find(entry.serial)->serial, entry.serial);
    }
    for (std::uint64_t serial = 11; serial < 2000; serial += 2) {
        EXPECT_EQ(list.find(serial), nullptr) << serial;
    }
    EXPECT_EQ(list.find(1), nullptr);
    EXPECT_EQ(list.find(largest - 1), nullptr);
}

TEST_F(RevocationLists, KeepTheEarlierOfTwoRevocationsOfOneSerial) {
    const auto list =
        must(verify(authority_.sign_list(list_number(1, {{5, noon + 9, {}}, {5, noon, {}}}))));
    EXPECT_THAT(list.revocations(), ::testing::ElementsAre(Revocation{5, noon, {}}));
}

TEST_F(RevocationLists, AreRefusedWithAnyBitFlipped) {
    const std::string bytes = authority_.sign_list(list_number(3, {{10, noon, {}}}));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string altered = bytes;
        altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(verify(altered)) << "bit " << bit;
    }
}

TEST_F(RevocationLists, AreRefusedCutOrWithTrailingBytes) {
    const std::string bytes = authority_.sign_list(list_number(3, {{10, noon, {}}}));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(verify(bytes.substr(0, length))) << length;
    }
    EXPECT_FALSE(verify(bytes + '\0'));
}

TEST_F(RevocationLists, AreRefusedFromAnotherCa) {
    const auto list = verify(new_authority().sign_list(list_number(3)));
    ASSERT_FALSE(list);
    EXPECT_THAT(list.error(), HasSubstr("genuine signature of CA 'root'"));
}

/// A CA whose key the test holds, so that it can sign what Authority would never sign.
class ForgedRevocationLists : public ::testing::Test {
protected:
    [[nodiscard]] std::string error_of(const std::string& body,
                                       std::string_view tag = "weft1.list") {
        const std::string bytes = body + std::string(bytes_of(key_.sign(signed_bytes(tag, body))));
        const auto list = RevocationList::verify(bytes, authority_);
        return list ? "" : list.error();
    }
    [[nodiscard]] WireWriter start(std::string_view magic = "WRL1", std::uint8_t suite = 1) const {
        WireWriter writer;
        writer.bytes(magic).u8(suite).array(authority_.id()).u64(1).i64(noon).i64(noon + hour);
        return writer;
    }

    const KeyPair key_ = KeyPair::generate();
    const CertificateAuthorityKey authority_{"root", key_.public_key()};
};

TEST_F(ForgedRevocationLists, AreRefusedUnderASignatureMadeForAnotherUse) {  // S2
    const std::string body = start().u32(0).take();
    EXPECT_EQ(error_of(body), "");
    EXPECT_THAT(error_of(body, "weft1.cert"), HasSubstr("genuine signature"));
    EXPECT_THAT(error_of(body, "weft1.root"), HasSubstr("genuine signature"));
}

TEST_F(ForgedRevocationLists, AreRefusedWhenTheirFieldsMakeNoSense) {
    EXPECT_THAT(error_of(start("WRL2").u32(0).take()), HasSubstr("WRL1"));
    EXPECT_THAT(error_of(start("WRL1", 2).u32(0).take()), HasSubstr("suite"));
    EXPECT_THAT(error_of(start().take()), HasSubstr("ends too early"));
    EXPECT_THAT(error_of(""), HasSubstr("WRL1"));
    WireWriter other;
    other.bytes("WRL1").u8(1).array(IssuerId{}).u64(1).i64(noon).i64(noon + hour).u32(0);
    EXPECT_THAT(error_of(other.take()), HasSubstr("names another CA"));
}

// D1: a count that the bytes do not bear costs nothing.
TEST_F(ForgedRevocationLists, AreRefusedBeforeTheirCountIsBelieved) {
    EXPECT_THAT(error_of(start().u32(0xFFFFFFFF).take()), HasSubstr("do not fill it exactly"));
    EXPECT_THAT(error_of(start().u32(1).take()), HasSubstr("do not fill it exactly"));
    EXPECT_THAT(error_of(start().u32(0).u8(0).take()), HasSubstr("do not fill it exactly"));
    EXPECT_EQ(error_of(start().u32(1).u64(5).i64(noon).u8(0).take()), "");
}

TEST_F(ForgedRevocationLists, AreRefusedUnlessTheirSerialsRise) {
    const auto two = [&](std::uint64_t first, std::uint64_t second) {
        WireWriter writer = start();
        writer.u32(2).u64(first).i64(noon).u8(0).u64(second).i64(noon).u8(0);
        return error_of(writer.take());
    };
    EXPECT_EQ(two(5, 6), "");
    EXPECT_THAT(two(5, 5), HasSubstr("do not rise"));
    EXPECT_THAT(two(6, 5), HasSubstr("do not rise"));
}

TEST_F(ForgedRevocationLists, RevokeForReasonsThatAreNotKnownHere) {
    const std::string body = start().u32(1).u64(5).i64(noon).u8(200).take();
    const std::string bytes =
        body + std::string(bytes_of(key_.sign(signed_bytes("weft1.list", body))));
    const auto list = RevocationList::verify(bytes, authority_);
    ASSERT_TRUE(list) << list.error();
    ASSERT_NE(list->find(5), nullptr);
    EXPECT_EQ(name_of(list->find(5)->reason), "other");
}

TEST(RevocationReason, HasAName) {
    for (const std::string_view name :
         {"unspecified", "key_compromised", "superseded", "retired"}) {
        ASSERT_TRUE(reason_named(name)) << name;
        EXPECT_EQ(name_of(*reason_named(name)), name);
    }
    EXPECT_EQ(reason_named("bored"), std::nullopt);
}

}  // namespace
}  // namespace weft::signing
