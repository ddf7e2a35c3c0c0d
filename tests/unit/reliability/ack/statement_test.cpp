#include "reliability/ack/statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "tests/unit/reliability/ack/bytes.hpp"

namespace weft::reliability {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_literals;

AckStatement sample() {
    AckStatement statement;
    statement.recipient = "web1.host1";
    statement.level = AckLevel::processed;
    statement.subject = {*fabric::MessageId::parse("019b76da-a800-7000-8000-000000000005"),
                         digest_of(0x11), digest_of(0x22), counted_nonce(), 1};
    return statement;
}

/// A statement built by hand, position by position, so that each can be replaced.
struct Parts {
    std::string head = "\x98";
    std::vector<std::string> positions{
        "\xA1"
        "a",
        "\0"s,
        "\xA2no",
        bin(16),
        bin(32),
        bin(32),
        bin(16),
        "\7"};

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
    AckStatement statement;
    return error_of(decode_statement(bytes, statement));
}

std::string reason_sent(std::string_view reason) {
    AckStatement statement = sample(), decoded;
    statement.reason = reason;
    const std::string bytes = encode_statement(statement);
    EXPECT_EQ(error_of(decode_statement(bytes, decoded)), "");
    return std::string{decoded.reason};
}

// The layout is public: these are the vectors of docs/wire-format.md, from the message that asks to
// the body of the ACK.
TEST(AckStatement, IsEncodedAsTheDocumentSays) {
    const std::string request = encode_request({counted_nonce(),
                                                AckLevel::processed,
                                                std::chrono::milliseconds{250},
                                                {"db1.host1", "web1.host1"}});
    AckStatement statement = sample();
    fabric::ContentHeader header;
    header.id = statement.subject.id;
    header.epoch = 1;
    header.seq = 1;
    header.time_us = 1'767'225'600'000'004;
    header.source = "example";
    header.content_type = "text/plain; charset=utf-8";
    header.ack = request;
    std::string content(fabric::encoded_size(header, "deploy"), '\0');
    fabric::encode_content(header, "deploy", content.data());
    EXPECT_EQ(signing::hex(content),
              "9299c410019b76daa80070008000000000000005cf0000000000000001cf0000"
              "000000000001cf0006474846204004a76578616d706c65b9746578742f706c61"
              "696e3b20636861727365743d7574662d38c094c410000102030405060708090a"
              "0b0c0d0e0f03ce0003d09092a96462312e686f737431aa776562312e686f7374"
              "31c0c4066465706c6f79");

    statement.subject.digest = signing::message_digest("org.weft.dev.example.deploy", content);
    const std::string fingerprint =
        "\x36\xeb\x37\xe1\x04\x92\x95\xdb\x15\x29\xa9\x17\xe1\xf9\x32\xe7"
        "\x77\x82\xcf\x76\x45\xbb\x50\xf6\xdd\x83\xa6\x0f\x2c\x86\xa1\x14";
    std::copy(fingerprint.begin(), fingerprint.end(), statement.subject.publisher.begin());
    EXPECT_EQ(signing::hex(encode_statement(statement)),
              "98aa776562312e686f73743103a0c410019b76daa80070008000000000000005"
              "c42022ac24986fb29b8555c1935375824b6c3167d0d8301175bb7ab9aaa76295"
              "385bc42036eb37e1049295db1529a917e1f932e77782cf7645bb50f6dd83a60f"
              "2c86a114c410000102030405060708090a0b0c0d0e0f01");
}

TEST(AckStatement, SurvivesARoundTrip) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 500; ++round) {
        const std::string name(1 + random() % 200, 'b'), reason(random() % 1025, 'r');
        AckStatement statement;
        statement.recipient = name;
        statement.level = static_cast<AckLevel>(random() % 4);
        statement.reason = reason;
        statement.subject = sample().subject;
        statement.subject.digest = digest_of(static_cast<std::uint8_t>(random()));
        statement.subject.publisher = digest_of(static_cast<std::uint8_t>(random()));
        statement.subject.epoch = random() >> random() % 64;
        const std::string bytes = encode_statement(statement);

        AckStatement decoded;
        ASSERT_EQ(error_of(decode_statement(bytes, decoded)), "");
        EXPECT_EQ(decoded.recipient, statement.recipient);
        EXPECT_EQ(decoded.level, statement.level);
        EXPECT_EQ(decoded.reason, statement.reason);
        EXPECT_EQ(decoded.subject, statement.subject);
    }
}

// A2: every part of what an ACK is about makes it another one.
TEST(AckStatement, SubjectsThatDifferInOnePartAreNotTheSame) {
    const AckSubject subject = sample().subject;
    const auto differs = [&](auto change) {
        AckSubject other = subject;
        change(other);
        return !(other == subject);
    };
    EXPECT_TRUE(differs([](AckSubject& other) { other.id = {}; }));
    EXPECT_TRUE(differs([](AckSubject& other) { other.digest[31] ^= 1; }));
    EXPECT_TRUE(differs([](AckSubject& other) { other.publisher[0] ^= 1; }));
    EXPECT_TRUE(differs([](AckSubject& other) { other.nonce[15] ^= 1; }));
    EXPECT_TRUE(differs([](AckSubject& other) { ++other.epoch; }));
}

TEST(AckStatement, ReasonsAreSentAsTheyAreWhereTheyFit) {
    EXPECT_EQ(reason_sent(""), "");
    EXPECT_EQ(reason_sent("no room: gr\xC3\xBC\xC3\x9F"), "no room: gr\xC3\xBC\xC3\x9F");
    EXPECT_EQ(reason_sent(std::string(1024, 'r')), std::string(1024, 'r'));
}

TEST(AckStatement, AReasonThatIsTooLongIsCutBehindAWholeCharacter) {
    EXPECT_EQ(reason_sent(std::string(1025, 'r')), std::string(1021, 'r') + "\xE2\x80\xA6");
    std::string umlauts = "x";
    for (int i = 0; i < 1000; ++i) umlauts += "\xC3\xBC";
    const std::string cut = reason_sent(umlauts);
    EXPECT_LE(cut.size(), reason_bytes_max);
    EXPECT_GE(cut.size(), reason_bytes_max - 3);
    EXPECT_TRUE(cut.ends_with("\xC3\xBC\xE2\x80\xA6"));
    EXPECT_LE(reason_sent(std::string(100'000, '\xFF')).size(), reason_bytes_max);
}

TEST(AckStatement, BytesOfAReasonThatAreNotUtf8AreEscaped) {
    EXPECT_EQ(reason_sent("a\xFF"
                          "b"),
              "a\\xffb");
    EXPECT_EQ(reason_sent("\xC3"), "\\xc3");
    EXPECT_EQ(reason_sent("\xED\xA0\x80"), "\\xed\\xa0\\x80");
    std::mt19937_64 random(3);
    for (int round = 0; round < 300; ++round) {
        std::string bytes(random() % 1500, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        const std::string sent = reason_sent(bytes);
        EXPECT_TRUE(fabric::is_utf8(sent));
        EXPECT_LE(sent.size(), reason_bytes_max);
        EXPECT_EQ(fitting_reason(sent), sent);
    }
}

// D1
TEST(AckStatement, RefusesPositionsThatAreNotAsTheyMustBe) {
    ASSERT_EQ(refusal(Parts{}.bytes()), "");
    const auto wrong = [](std::size_t position, std::string bytes) {
        return refusal(Parts{}.with(position, std::move(bytes)).bytes());
    };
    for (const std::string& name : {"\xA0"s,
                                    "\xA1"
                                    "A"s,
                                    "\xA2"
                                    "a."s,
                                    "\xC0"s, "\xC4\1a"s}) {
        EXPECT_THAT(wrong(0, name), AllOf(HasSubstr("Position 0"), HasSubstr("(recipient)")));
    }
    for (const std::string& level : {"\4"s, "\xFF"s, "\xC0"s, "\xCD\1\1"s}) {
        EXPECT_THAT(wrong(1, level), HasSubstr("0 rejected, 1 received, 2 stored or 3 processed"));
    }
    EXPECT_EQ(wrong(2, "\xDA\4\0"s + std::string(1024, 'r')), "");
    EXPECT_THAT(wrong(2, "\xDA\4\1"s + std::string(1025, 'r')), HasSubstr("at most 1024 bytes"));
    EXPECT_THAT(wrong(2, "\xA1\xFF"), HasSubstr("UTF-8"));
    EXPECT_THAT(wrong(2, "\xC0"), HasSubstr("(reason)"));
    EXPECT_THAT(wrong(3, bin(15)), HasSubstr("(message id)"));
    EXPECT_THAT(wrong(4, bin(31)), HasSubstr("(digest)"));
    EXPECT_THAT(wrong(5, bin(33)), HasSubstr("(publisher)"));
    EXPECT_THAT(wrong(6, bin(17)), HasSubstr("(nonce)"));
    EXPECT_THAT(wrong(7, "\xFF"), HasSubstr("(epoch)"));
    EXPECT_THAT(wrong(7, "\xC0"), HasSubstr("(epoch)"));
}

TEST(AckStatement, RefusesBytesThatOneArrayDoesNotFill) {
    const std::string whole = Parts{}.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    }
    EXPECT_THAT(refusal(whole + "\xC0"), HasSubstr("has 1 bytes after its array"));
    EXPECT_THAT(refusal("\x97" + whole.substr(1)), HasSubstr("array of at least 8"));
    EXPECT_THAT(refusal("\x81\xC0\xC0"), HasSubstr("array of at least 8"));
    EXPECT_THAT(refusal("\xDD\xFF\xFF\xFF\xFF"s + whole.substr(1) + bin(72)),
                StartsWith("The acknowledgement is not one msgpack object."));
}

TEST(AckStatement, IgnoresWhatALaterVersionAdds) {
    Parts parts;
    parts.head = "\x9B";
    parts.positions.emplace_back(bin(72));
    parts.positions.emplace_back("\x92\xC0\xC0");
    parts.positions.emplace_back("\xCB\0\0\0\0\0\0\0\0"s);
    EXPECT_EQ(refusal(parts.bytes()), "");
    EXPECT_NE(refusal(parts.bytes() + "\xC0"), "");
    // Deeper than a body may be: nobody who forwards it could decode it.
    EXPECT_THAT(refusal(Parts{"\x9A", Parts{}.positions}.bytes() + bin(0) +
                        std::string(33, '\x91') + "\xC0"),
                HasSubstr("arrays and maps in one another"));
}

AckSubject another(char mark) {
    AckSubject subject = sample().subject;
    subject.digest = digest_of(static_cast<std::uint8_t>(mark));
    subject.nonce[3] = mark;
    subject.epoch = 0x0102030405060708;
    return subject;
}

TEST(AckStatement, SaysTheSameOfManyMessagesOfOnePublisher) {
    AckStatement statement = sample();
    std::string also;
    append_also(another('a'), also);
    append_also(another('b'), also);
    EXPECT_EQ(also.size(), 144U);
    statement.also = also;
    const std::string bytes = encode_statement(statement);
    AckStatement decoded;
    ASSERT_EQ(error_of(decode_statement(bytes, decoded)), "");
    ASSERT_EQ(decoded.also_count(), 2U);
    EXPECT_EQ(also_subject(decoded, 0), another('a'));
    EXPECT_EQ(also_subject(decoded, 1), another('b'));
    EXPECT_EQ(decoded.subject, statement.subject);
}

TEST(AckStatement, RefusesFurtherMessagesThatAreCutOrTooMany) {
    Parts parts;
    parts.head = "\x99";
    const auto with_also = [&](std::size_t size) {
        Parts longer = parts;
        std::string head = "\xC6";
        for (int shift = 24; shift >= 0; shift -= 8)
            head += static_cast<char>(size >> shift & 0xFF);
        longer.positions.push_back(head + std::string(size, 'x'));
        return refusal(longer.bytes());
    };
    EXPECT_EQ(with_also(0), "");
    EXPECT_EQ(with_also(72), "");
    EXPECT_EQ(with_also(also_max * 72), "");
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{71}, std::size_t{73}, (also_max + 1) * 72}) {
        EXPECT_THAT(with_also(size), HasSubstr("Position 8")) << size;
    }
    Parts text = parts;
    text.positions.emplace_back("\xA1x");
    EXPECT_THAT(refusal(text.bytes()), HasSubstr("Position 8"));
}

}  // namespace
}  // namespace weft::reliability
