#include "reliability/ack/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "tests/unit/reliability/ack/bytes.hpp"

namespace weft::reliability {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace std::string_literals;

AckRequest sample() {
    return {counted_nonce(), AckLevel::processed, 250ms, {"db1.host1", "web1.host1"}};
}

/// A request built by hand, position by position, so that each can be replaced.
struct Parts {
    std::string head = "\x94";
    std::vector<std::string> positions{bin(16), "\x03", "\x64",
                                       "\x91\xA1"
                                       "a"};

    [[nodiscard]] std::string bytes() const {
        std::string made = head;
        for (const auto& position : positions) made += position;
        return made;
    }
    [[nodiscard]] Parts with(std::size_t position, std::string bytes) const {
        Parts changed = *this;
        changed.positions[position] = std::move(bytes);
        return changed;
    }
};

std::string refusal(std::string_view bytes) {
    AckRequest request;
    return error_of(decode_request(bytes, request));
}
std::string refusal(const Parts& parts) {
    return refusal(parts.bytes());
}

// The layout is public: this is the vector of docs/wire-format.md.
TEST(AckRequest, IsEncodedAsTheDocumentSays) {
    EXPECT_EQ(signing::hex(encode_request(sample())),
              "94c410000102030405060708090a0b0c0d0e0f03ce0003d09092"
              "a96462312e686f737431aa776562312e686f737431");
}

TEST(AckRequest, SurvivesARoundTrip) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 500; ++round) {
        std::vector<std::string> names;
        for (std::size_t i = 0, count = 1 + random() % 64; i < count; ++i) {
            names.push_back(std::string(1 + random() % 195, 'a') + std::to_string(i));
        }
        AckRequest request;
        for (char& byte : request.nonce) byte = static_cast<char>(random());
        request.level = static_cast<AckLevel>(1 + random() % 3);
        request.timeout = std::chrono::microseconds{1 + random() % 86'400'000'000};
        request.recipients.assign(names.begin(), names.end());
        const std::string bytes = encode_request(request);

        AckRequest decoded;
        decoded.recipients = {"left", "over"};
        ASSERT_EQ(error_of(decode_request(bytes, decoded)), "");
        EXPECT_EQ(decoded.nonce, request.nonce);
        EXPECT_EQ(decoded.level, request.level);
        EXPECT_EQ(decoded.timeout, request.timeout);
        EXPECT_EQ(decoded.recipients, request.recipients);
    }
}

TEST(AckRequest, KnowsWhomItNames) {
    const AckRequest request = sample();
    EXPECT_TRUE(request.names("web1.host1"));
    EXPECT_FALSE(request.names("web1"));
    EXPECT_FALSE(request.names(""));
}

TEST(AckRequest, IsReadInEveryWidthThatMsgpackHas) {
    for (const std::string& three :
         {"\x03"s, "\xCC\x03"s, "\xCD\0\x03"s, "\xD0\x03"s, "\xCF\0\0\0\0\0\0\0\x03"s}) {
        EXPECT_EQ(refusal(Parts{}.with(1, three)), "") << signing::hex(three);
        EXPECT_EQ(refusal(Parts{}.with(2, three)), "") << signing::hex(three);
    }
    for (const std::string& a : {"\xA1"
                                 "a"s,
                                 "\xD9\1a"s, "\xDA\0\1a"s, "\xDB\0\0\0\1a"s}) {
        EXPECT_EQ(refusal(Parts{}.with(3, "\xDC\0\1"s + a)), "") << signing::hex(a);
        EXPECT_EQ(refusal(Parts{}.with(3, "\xDD\0\0\0\1"s + a)), "") << signing::hex(a);
    }
    Parts wide;
    wide.head = "\xDD\0\0\0\4"s;
    EXPECT_EQ(refusal(wide), "");
}

TEST(AckRequest, IgnoresWhatALaterVersionAdds) {
    Parts parts;
    parts.head = "\x96";
    parts.positions.emplace_back("\x81\xA1k\x92\x01\xC0");
    parts.positions.emplace_back("\xC0");
    EXPECT_EQ(refusal(parts), "");
    EXPECT_THAT(refusal(parts.bytes() + "\xC0"), HasSubstr("exactly one object must fill"));
    EXPECT_THAT(refusal(parts.bytes().substr(0, parts.bytes().size() - 1)),
                HasSubstr("ends before its object does"));
}

// D1
TEST(AckRequest, RefusesPositionsThatAreNotAsTheyMustBe) {
    const auto wrong = [](std::size_t position, std::string bytes) {
        return refusal(Parts{}.with(position, std::move(bytes)));
    };
    EXPECT_THAT(wrong(0, bin(15)), AllOf(HasSubstr("Position 0"), HasSubstr("(nonce)")));
    EXPECT_THAT(wrong(0, bin(17)), HasSubstr("16 bytes"));
    EXPECT_THAT(wrong(0, "\xB0" + std::string(16, 'a')), HasSubstr("(nonce)"));
    for (const std::string& level : {"\0"s, "\4"s, "\xFF"s, "\xC0"s, "\xCC\x83"s}) {
        EXPECT_THAT(wrong(1, level), HasSubstr("1 received, 2 stored or 3 processed"));
    }
    for (const std::string& timeout : {"\0"s, "\xFF"s, "\xC0"s,
                                       "\xCF\0\0\0\x14\x1D\xD7\x60\1"s,  // 24 h and 1 µs
                                       "\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s}) {
        EXPECT_THAT(wrong(2, timeout), HasSubstr("(timeout)")) << signing::hex(timeout);
    }
    EXPECT_EQ(wrong(2, "\xCF\0\0\0\x14\x1D\xD7\x60\0"s), "");
    EXPECT_THAT(wrong(3,
                      "\xA1"
                      "a"),
                HasSubstr("array of 1 to 64 names"));
    EXPECT_THAT(wrong(3, "\x90"), HasSubstr("array of 1 to 64 names"));
}

// D1: the count is checked before anything is reserved for it.
TEST(AckRequest, RefusesTooManyNamesAndNamesThatNoCertificateHas) {
    std::string most = "\xDC\0\x40"s, too_many = "\xDC\0\x41"s;
    for (int i = 0; i < 64; ++i)
        most +=
            "\xA1"
            "a";
    for (int i = 0; i < 65; ++i)
        too_many +=
            "\xA1"
            "a";
    EXPECT_EQ(refusal(Parts{}.with(3, most)), "");
    EXPECT_NE(refusal(Parts{}.with(3, too_many)), "");
    EXPECT_NE(refusal(Parts{}.with(3, "\xDD\xFF\xFF\xFF\xFF"s)), "");
    for (const std::string& name :
         {"\xA0"s,
          "\xA1"
          "A"s,
          "\xA1 "s,
          "\xA2"
          "a."s,
          "\xA1\n"s, "\xC4\1a"s, "\xA1\xFF"s, "\xD9\xC9" + std::string(201, 'a')}) {
        EXPECT_THAT(refusal(Parts{}.with(3, "\x91" + name)), HasSubstr("names of certificates"))
            << signing::hex(name);
    }
    EXPECT_EQ(refusal(Parts{}.with(3, "\x91\xD9\xC8" + std::string(200, 'a'))), "");
}

TEST(AckRequest, RefusesBytesThatOneArrayDoesNotFill) {
    const std::string whole = Parts{}.bytes();
    ASSERT_EQ(refusal(whole), "");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    }
    EXPECT_THAT(refusal(whole + "\xC0"), HasSubstr("has 1 bytes after its array"));
    EXPECT_THAT(refusal("\x93" + whole.substr(1)), HasSubstr("array of at least 4"));
    EXPECT_THAT(refusal("\xC0"), HasSubstr("array of at least 4"));
}

TEST(AckRequest, NoncesHashByTheirBytes) {
    Nonce other = counted_nonce();
    other[0] = 1;
    EXPECT_EQ(NonceHash{}(counted_nonce()), NonceHash{}(counted_nonce()));
    EXPECT_NE(NonceHash{}(counted_nonce()), NonceHash{}(other));
}

}  // namespace
}  // namespace weft::reliability
