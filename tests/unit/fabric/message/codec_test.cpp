#include "fabric/message/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fabric/message/utf8_text.hpp"
#include "fabric/message/value.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::string_literals;

const std::string id_bytes{sample_header().id.bytes()};

std::string be(std::uint64_t number, int bytes) {
    std::string made;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        made += static_cast<char>(number >> shift);
    }
    return made;
}
std::string str(std::string_view text) {
    return "\xD9" + be(text.size(), 1) + std::string{text};
}

/// A content built by hand, position by position, so that each can be replaced.
struct Parts {
    std::string outer = "\x92", head = "\x99";
    std::vector<std::string> positions{
        "\xC4\x10" + id_bytes, "\x03", "\x2A", "\x64", "\xA3git", "\xA0", "\xC0", "\xC0", "\xC0"};
    std::string body = "\xA2hi";

    [[nodiscard]] std::string content() const {
        std::string made = outer + head;
        for (const auto& position : positions) made += position;
        return made + body;
    }
    [[nodiscard]] Parts with(std::size_t position, std::string bytes) const {
        Parts changed = *this;
        changed.positions[position] = std::move(bytes);
        return changed;
    }
};

std::string refusal(std::string_view content) {
    DecodedContent decoded;
    const auto result = decode_content(content, decoded);
    return result ? "" : result.error();
}
bool accepts(std::string_view content) {
    return refusal(content).empty();
}

void expect_same(const ContentHeader& a, const ContentHeader& b) {
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.seq, b.seq);
    EXPECT_EQ(a.time_us, b.time_us);
    EXPECT_EQ(a.source, b.source);
    EXPECT_EQ(a.content_type, b.content_type);
    EXPECT_EQ(a.parent, b.parent);
    EXPECT_EQ(a.ack, b.ack);
    EXPECT_EQ(a.headers, b.headers);
}

void expect_round_trip(const ContentHeader& header, std::string_view body) {
    ASSERT_EQ(content_error(header), "");
    const std::string content = encoded(header, body);
    DecodedContent decoded;
    const auto result = decode_content(content, decoded);

    ASSERT_TRUE(result) << result.error();
    expect_same(decoded.header, header);
    EXPECT_EQ(decoded.body, body);
}

TEST(Codec, WhatIsEncodedDecodesToTheSame) {
    expect_round_trip(sample_header(), "\x05");
}

TEST(Codec, FieldsOfEverySizeClassComeBack) {
    const std::string text(70'000, 'x');
    const std::string_view view = text;
    for (const std::size_t bytes : {0, 1, 31, 32, 255}) {
        ContentHeader header = sample_header();
        header.source = view.substr(0, bytes);
        header.content_type = view.substr(0, bytes);
        expect_round_trip(header, bytes == 0 ? view.substr(0, 0).empty() ? "\xC0" : "" : view);
    }
    for (const std::size_t bytes : {0, 1, 255, 256, 65'535, 65'536}) {
        ContentHeader header = sample_header();
        header.content_type = "text/plain";
        expect_round_trip(header, view.substr(0, bytes));
    }
    for (const std::size_t entries : {1, 15, 16, 64}) {
        ContentHeader header = sample_header();
        for (std::size_t i = 1; i <= entries; ++i) {
            header.headers.emplace_back(view.substr(0, i * 3), view.substr(0, i * 64));
        }
        expect_round_trip(header, "\xC0");
    }
}

TEST(Codec, NumbersOfEverySizeComeBack) {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                       std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        ContentHeader header = sample_header();
        header.epoch = header.seq = header.time_us = number;
        expect_round_trip(header, "\xC0");
    }
}

TEST(Codec, ParentAndAckAndHeadersComeBack) {
    ContentHeader header = sample_header();
    header.parent = *MessageId::parse("01934a5b-6c7d-7abc-8def-000000000001");
    header.ack =
        "\x93\x01\xA3"
        "all\xC4\x02xy";
    header.headers = {{"trace", "gr\xC3\xBC\xC3\x9F"}, {"empty", ""}, {"trace", "again"}};

    expect_round_trip(header,
                      "\x81\xA1"
                      "a\x01");
}

TEST(Codec, ADecodedContentCanBeUsedAgainForTheNext) {
    ContentHeader rich = sample_header();
    rich.parent = rich.id;
    rich.ack = "\x01";
    rich.headers = {{"a", "b"}};
    const std::string first = encoded(rich, "\x05"), second = encoded(sample_header(), "\x06");
    DecodedContent decoded;

    ASSERT_TRUE(decode_content(first, decoded));
    ASSERT_TRUE(decode_content(second, decoded));

    expect_same(decoded.header, sample_header());
    EXPECT_EQ(decoded.body, "\x06");
}

// The layout is public: this is the vector of docs/wire-format.md in its smallest form.
TEST(Codec, WritesItsIntegersInFullWidthSoThatTheHeaderNeverMoves) {
    const std::string content = encoded(sample_header(), "\xC0");

    EXPECT_EQ(content, "\x92\x99\xC4\x10" + id_bytes + "\xCF" + be(3, 8) + "\xCF" + be(42, 8) +
                           "\xCF" + be(1'795'229'009'123'456, 8) + "\xA3git\xA0\xC0\xC0\xC0\xC0");
}

// S1: what another encoder writes differently says the same, and its bytes are left alone.
TEST(Codec, ReadsIntegersInEveryWidthThatMsgpackHas) {
    for (const std::string& five : {std::string{"\x05"}, "\xCC" + be(5, 1), "\xCD" + be(5, 2),
                                    "\xCE" + be(5, 4), "\xCF" + be(5, 8), "\xD0" + be(5, 1),
                                    "\xD1" + be(5, 2), "\xD2" + be(5, 4), "\xD3" + be(5, 8)}) {
        for (const std::size_t position : {1, 2, 3}) {
            const std::string content = Parts{}.with(position, five).content();
            DecodedContent decoded;
            ASSERT_TRUE(decode_content(content, decoded));
            const auto& header = decoded.header;
            EXPECT_EQ((std::array{header.epoch, header.seq, header.time_us}[position - 1]), 5U);
        }
    }
}

// S1
TEST(Codec, ReadsTextAndBytesAndContainersInEveryWidthThatMsgpackHas) {
    for (const std::string& git : {std::string{"\xA3git"}, "\xD9" + be(3, 1) + "git",
                                   "\xDA" + be(3, 2) + "git", "\xDB" + be(3, 4) + "git"}) {
        DecodedContent decoded;
        const std::string content = Parts{}.with(4, git).content();
        ASSERT_TRUE(decode_content(content, decoded));
        EXPECT_EQ(decoded.header.source, "git");
    }
    for (const std::string& id : {"\xC5" + be(16, 2) + id_bytes, "\xC6" + be(16, 4) + id_bytes}) {
        DecodedContent decoded;
        const std::string content = Parts{}.with(0, id).with(6, id).content();
        ASSERT_TRUE(decode_content(content, decoded));
        EXPECT_EQ(decoded.header.id.bytes(), id_bytes);
        EXPECT_EQ(decoded.header.parent->bytes(), id_bytes);
    }
    for (const std::string& head : {"\xDC" + be(9, 2), "\xDD" + be(9, 4)}) {
        Parts parts;
        parts.head = head;
        EXPECT_TRUE(accepts(parts.content()));
    }
    for (const std::string& map : {"\x81" + str("a") + str("b"),
                                   "\xDE" + be(1, 2) +
                                       "\xA1"
                                       "a\xA1"
                                       "b",
                                   "\xDF" + be(1, 4) +
                                       "\xA1"
                                       "a\xDA" +
                                       be(1, 2) + "b"}) {
        DecodedContent decoded;
        const std::string content = Parts{}.with(8, map).content();
        ASSERT_TRUE(decode_content(content, decoded));
        EXPECT_EQ(decoded.header.headers, (HeaderList{{"a", "b"}}));
    }
}

// S1
TEST(Codec, KeepsTheBytesOfABodyWithOddIntegersKeyOrderAndFloats) {
    // {"z": 5 as uint64, "a": 1.5 as float32, "z": int8 3, 7: [float64 -0.0]}
    const std::string body = "\x84\xA1z\xCF" + be(5, 8) + "\xDA" + be(1, 2) + "a\xCA\x3F\xC0" +
                             be(0, 2) + "\xA1z\xD0\x03\x07\xDC" + be(1, 2) + "\xCB\x80" + be(0, 7);
    Parts parts;
    parts.body = body;
    const std::string content = parts.content();
    DecodedContent decoded;

    ASSERT_TRUE(decode_content(content, decoded));

    EXPECT_EQ(decoded.body, body);
    EXPECT_EQ(decoded.body.data(), content.data() + content.size() - body.size());
    EXPECT_EQ((*from_msgpack(decoded.body))["z"].integer_or(0), 3);
}

TEST(Codec, AcceptsExtraPositionsOfALaterVersion) {
    Parts parts;
    parts.head = "\x9C";
    parts.positions.insert(parts.positions.end(), {"\x82\x01\x02\x03\x04",
                                                   "\xC7" + be(1, 1) + "\x05x", "\xCB" + be(0, 8)});
    EXPECT_TRUE(accepts(parts.content()));
}

TEST(Codec, RefusesFewerThanNinePositions) {
    for (std::size_t positions = 0; positions < 9; ++positions) {
        Parts parts;
        parts.positions.resize(positions);
        parts.head = static_cast<char>(0x90 + positions);
        EXPECT_THAT(refusal(parts.content()), HasSubstr("at least 9"));
    }
}

TEST(Codec, RefusesMorePositionsThanSixtyFour) {
    Parts parts;
    const auto with = [&](std::size_t positions) {
        parts.positions.resize(9);
        parts.positions.resize(positions, "\xC0");
        parts.head = "\xDC" + be(positions, 2);
        return parts.content();
    };
    EXPECT_TRUE(accepts(with(64)));
    EXPECT_THAT(refusal(with(65)), HasSubstr("at most 64"));
}

TEST(Codec, RefusesAnyOuterByteButAnArrayOfTwo) {
    Parts parts;
    for (int byte = 0; byte < 256; ++byte) {
        parts.outer = static_cast<char>(byte);
        EXPECT_EQ(accepts(parts.content()), byte == 0x92) << byte;
    }
    parts.outer = "\xDC" + be(2, 2);
    EXPECT_THAT(refusal(parts.content()), HasSubstr("0x92"));
    EXPECT_FALSE(accepts(""));
}

TEST(Codec, RefusesAPositionOfTheWrongTypeAndNamesIt) {
    const struct {
        std::size_t position;
        std::string bytes;
        std::string named;
    } cases[] = {
        {0, "\xC0", "id"},
        {0, "\xC4\x0F" + id_bytes.substr(1), "id"},
        {0, "\xD9\x10" + id_bytes, "id"},
        {1, "\xFF", "epoch"},
        {1, "\xD0\xFF", "epoch"},
        {1, "\xD3" + be(~std::uint64_t{0}, 8), "epoch"},
        {2, "\xCB" + be(0, 8), "seq"},
        {3, "\xC0", "time"},
        {4, "\xC0", "source"},
        {4, "\xC4\x01x", "source"},
        {4, "\xA1\xFF", "source"},
        {4, "\xDA" + be(256, 2) + std::string(256, 'x'), "source"},
        {5, "\xA2\xC3(", "content type"},
        {6, "\xA0", "parent"},
        {6, "\xC4\x11x" + id_bytes, "parent"},
        {7, "\xC1", "ack"},
        {8, "\x90", "headers"},
        {8, "\x81\x01\xA1x", "name of each header"},
        {8, "\x81\xA0\xA1x", "name of each header"},
        {8, "\x81\xDA" + be(256, 2) + std::string(256, 'x') + "\xA1x", "name of each header"},
        {8, "\x81\xA1x\x01", "value of each header"},
        {8, "\x81\xA1x\xA1\xFF", "value of each header"},
        {8, "\x81\xA1x\xDA" + be(4097, 2) + std::string(4097, 'x'), "value of each header"},
    };
    for (const auto& one : cases) {
        const std::string content = Parts{}.with(one.position, one.bytes).content();
        EXPECT_THAT(refusal(content), HasSubstr(one.named)) << "position " << one.position;
    }
}

TEST(Codec, TakesHeadersUpToTheirLimits) {
    std::string map = "\xDE" + be(headers_max, 2);
    for (std::size_t i = 0; i < headers_max; ++i) map += str(std::string(255, 'k')) + "\xA0";
    EXPECT_TRUE(accepts(Parts{}.with(8, map).content()));
    EXPECT_TRUE(
        accepts(Parts{}.with(8, "\x81\xA1x\xDA" + be(4096, 2) + std::string(4096, 'x')).content()));

    std::string many = "\xDE" + be(headers_max + 1, 2);
    for (std::size_t i = 0; i <= headers_max; ++i) many += "\xA1k\xA0";
    EXPECT_THAT(refusal(Parts{}.with(8, many).content()), HasSubstr("64"));
}

TEST(Codec, ABodyWithAContentTypeMustBeBytes) {
    Parts parts = Parts{}.with(5, "\xA4text");
    EXPECT_THAT(refusal(parts.content()), HasSubstr("(bin)"));

    parts.body = "\xC4\x02hi";
    EXPECT_TRUE(accepts(parts.content()));
}

TEST(Codec, ABodyWithoutContentTypeMustBeOneMsgpackObject) {
    Parts parts;
    for (const char* body : {"\xC0", "\xC4\x01x", "\x81\x01\x02", "\xD4\x01x"}) {
        parts.body = body;
        EXPECT_TRUE(accepts(parts.content()));
    }
    for (const char* body : {"", "\xC1", "\x92\x01", "\x81\x01", "\x92\x01\xC1"}) {
        parts.body = body;
        EXPECT_THAT(refusal(parts.content()), HasSubstr("body must be one msgpack object"));
    }
}

TEST(Codec, RefusesTrailingBytes) {
    EXPECT_THAT(refusal(encoded(sample_header(), "\x05") + "\xC0"), HasSubstr("1 bytes after"));
}

TEST(Codec, TheBodyAloneMayHaveTheFullDepth) {
    std::string deepest(msgpack_depth_max, '\x91');
    deepest += '\xC0';
    Parts parts;
    parts.body = deepest;
    EXPECT_EQ(check_msgpack(deepest), "");
    EXPECT_TRUE(accepts(parts.content()));

    parts.body = "\x91" + deepest;
    EXPECT_THAT(check_msgpack(parts.body), HasSubstr("32"));
    EXPECT_THAT(refusal(parts.content()), HasSubstr("32"));
}

// D1
TEST(Codec, RefusesBombsInEveryPlace) {
    const std::string bombs[] = {
        "\xDD" + be(0xFFFF'FFFF, 4) + "\x01",
        "\xDF" + be(0x8000'0000, 4) + "\x01\x01",
        "\xDB" + be(0xFFFF'FFFF, 4) + "x",
        "\xC6" + be(0xFFFF'FFFF, 4) + "x",
        "\xC9" + be(0xFFFF'FFFF, 4) + "\x01x",
        "\xC8" + be(0xFFFF, 2) + "\x01x",
        "\xDC" + be(0xFFFF, 2) + "\x01",
        std::string(10'000, '\x91') + "\xC0",
        std::string(10'000, '\x81') + "\xC0",
        std::string(33, '\x91') + "\xDD" + be(0xFFFF'FFFF, 4),
    };
    for (const auto& bomb : bombs) {
        EXPECT_NE(check_msgpack(bomb), "");
        Parts in_body;
        in_body.body = bomb;
        EXPECT_FALSE(accepts(in_body.content()));
        for (std::size_t position = 0; position < 9; ++position) {
            EXPECT_FALSE(accepts(Parts{}.with(position, bomb).content()));
        }
        Parts in_head;
        in_head.head = bomb;
        EXPECT_FALSE(accepts(in_head.content()));
        Parts in_extra;
        in_extra.head = "\x9A";
        in_extra.positions.push_back(bomb);
        EXPECT_FALSE(accepts(in_extra.content()));
        EXPECT_FALSE(accepts(bomb));
    }
}

// D1: no container of elements is ever made by the count that a header declares.
TEST(Codec, AHeaderOfFourBillionPositionsEndsWithItsBytes) {
    Parts parts;
    parts.head = "\xDD" + be(0xFFFF'FFFF, 4);
    parts.body = std::string(1000, '\xC0');

    EXPECT_FALSE(accepts(parts.content()));
}

std::string rich_content() {
    ContentHeader header = sample_header();
    header.parent = header.id;
    header.ack = "\x92\x01\xA1x";
    header.headers = {{"trace", "gr\xC3\xBC\xC3\x9F"}, {"b", std::string_view{"value"}}};
    return encoded(header,
                   "\x82\xA1"
                   "a\x93\x01\xCB\x3F\xF8\0\0\0\0\0\0\xC4\x01x\xA1"
                   "b\xC0"s);
}

TEST(Codec, RefusesAContentThatIsCutOffAnywhere) {
    for (const std::string& content : {rich_content(), Parts{}.content()}) {
        ASSERT_TRUE(accepts(content));
        for (std::size_t bytes = 0; bytes < content.size(); ++bytes) {
            // A copy of exact size, so that a sanitizer sees each read beyond it.
            const std::vector<char> cut(content.begin(),
                                        content.begin() + static_cast<std::ptrdiff_t>(bytes));
            EXPECT_FALSE(accepts({cut.data(), cut.size()})) << bytes << " bytes";
        }
    }
}

TEST(Codec, SurvivesEachByteChangedToEveryOther) {
    const std::string content = rich_content();
    std::size_t refused = 0;
    for (std::size_t at = 0; at < content.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::vector<char> changed(content.begin(), content.end());
            changed[at] = static_cast<char>(byte);
            refused += accepts({changed.data(), changed.size()}) ? 0 : 1;
        }
    }
    EXPECT_GT(refused, content.size() * 20);
}

TEST(ContentError, SaysWhatIsWrongBeforeItIsEncoded) {
    const std::string long_text(256, 'x');
    const auto error_with = [](auto change) {
        ContentHeader header = sample_header();
        change(header);
        return content_error(header);
    };
    EXPECT_EQ(error_with([](ContentHeader&) {}), "");
    EXPECT_THAT(error_with([&](auto& h) { h.source = long_text; }), HasSubstr("256"));
    EXPECT_THAT(error_with([&](auto& h) { h.content_type = long_text; }),
                HasSubstr("content type"));
    EXPECT_THAT(error_with([](auto& h) { h.source = "\xFF"; }), HasSubstr("UTF-8"));
    EXPECT_THAT(error_with([](auto& h) { h.ack = "\xC1"; }), HasSubstr("acknowledgements"));
    EXPECT_THAT(error_with([](auto& h) { h.headers = {{"", "x"}}; }), HasSubstr("empty name"));
    EXPECT_THAT(error_with([&](auto& h) { h.headers = {{long_text, "x"}}; }), HasSubstr("256"));
    EXPECT_THAT(error_with([](auto& h) { h.headers = {{"a", "\xFF"}}; }), HasSubstr("UTF-8"));
    const std::string value(header_value_bytes_max + 1, 'x');
    EXPECT_THAT(error_with([&](auto& h) { h.headers = {{"a", value}}; }), HasSubstr("4096"));
    EXPECT_THAT(error_with([](auto& h) { h.headers.resize(65, {"a", "b"}); }), HasSubstr("64"));
}

TEST(CheckMsgpack, SaysWhatIsWrong) {
    EXPECT_THAT(check_msgpack("\x05"), IsEmpty());
    EXPECT_THAT(check_msgpack(""), HasSubstr("ends before"));
    EXPECT_THAT(check_msgpack("\x05\x05"), HasSubstr("exactly one object"));
    EXPECT_THAT(check_msgpack("\x91\xC1"), HasSubstr("0xc1"));
    EXPECT_THAT(check_msgpack("\xA5x"), HasSubstr("ends before"));
}

TEST(Utf8Text, IsJudgedByTheStandard) {
    for (const char* good : {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                             "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
                             "12345678\xC3\xA4"
                             "12345678"}) {
        EXPECT_TRUE(is_utf8(good)) << good;
    }
    for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF",
                            "\xED\xA0\x80", "\xE2\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                            "\xF5\x80\x80\x80", "\xFF", "12345678\xC3",
                            "1234567\xC3"
                            "12345678"}) {
        EXPECT_FALSE(is_utf8(bad)) << bad;
    }
    EXPECT_EQ(utf8_prefix("12345678ab\xFFxyz"), 10U);
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace weft::fabric
