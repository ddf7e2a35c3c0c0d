#include "gateway/http/websocket_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using Found = FrameReader::Found;

constexpr std::string_view mask = "\x12\x34\x56\x78";

/// As a client sends it.
std::string frame(unsigned first, const std::string& payload) {
    std::string bytes(1, static_cast<char>(first));
    if (payload.size() < 126) {
        bytes += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65536) {
        bytes += static_cast<char>(0x80 | 126);
        bytes += static_cast<char>(payload.size() >> 8);
        bytes += static_cast<char>(payload.size());
    } else {
        bytes += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes += static_cast<char>(payload.size() >> shift);
        }
    }
    bytes += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    return bytes;
}

/// All that is found, in pieces of `piece` bytes: "text:...", "close 1000", "refused 1002".
std::vector<std::string> read_all(std::string_view bytes, std::size_t piece,
                                  std::size_t message_max = 100'000) {
    FrameReader reader(message_max);
    std::vector<std::string> all;
    while (!bytes.empty()) {
        std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        while (!part.empty()) {
            part.remove_prefix(reader.read(part));
            switch (reader.found()) {
                case Found::nothing:
                    break;
                case Found::text:
                    all.push_back("text:" + reader.take());
                    break;
                case Found::binary:
                    all.push_back("binary:" + reader.take());
                    break;
                case Found::ping:
                    all.push_back("ping:" + reader.take());
                    break;
                case Found::pong:
                    all.push_back("pong:" + reader.take());
                    break;
                case Found::close:
                    all.push_back("close " + std::to_string(reader.code()));
                    return all;
                case Found::refused:
                    all.push_back("refused " + std::to_string(reader.code()));
                    return all;
            }
        }
    }
    return all;
}
std::vector<std::string> read_all(std::string_view bytes) {
    return read_all(bytes, bytes.size());
}

TEST(WebSocketFrames, AreReadHoweverTheirBytesAreCut) {
    const std::string long_text(70'000, 'x'), middle(300, 'y');
    const std::string bytes = frame(0x81, "hello") + frame(0x82, std::string("\0\xFF", 2)) +
                              frame(0x89, "a") + frame(0x8A, "") + frame(0x81, middle) +
                              frame(0x81, long_text) + frame(0x81, "") +
                              frame(0x88, "\x03\xE8over");
    const auto whole = read_all(bytes);
    EXPECT_THAT(whole, ElementsAre("text:hello", std::string("binary:\0\xFF", 9), "ping:a", "pong:",
                                   "text:" + middle, "text:" + long_text, "text:", "close 1000"));
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 13U, 1000U}) {
        EXPECT_EQ(read_all(bytes, piece), whole) << "pieces of " << piece;
    }
}

TEST(WebSocketFrames, OfOneMessageArePutTogetherAndMayHaveControlFramesBetweenThem) {
    EXPECT_THAT(read_all(frame(0x01, "he") + frame(0x89, "ping") + frame(0x00, "l") +
                         frame(0x80, "lo") + frame(0x82, "next")),
                ElementsAre("ping:ping", "text:hello", "binary:next"));
    // A character may be cut anywhere.
    EXPECT_THAT(read_all(frame(0x01, "\xC3") + frame(0x80, "\xA4")), ElementsAre("text:\xC3\xA4"));
}

TEST(WebSocketFrames, ThatBreakTheProtocolAreRefused) {
    const std::string not_masked("\x81\x01x", 3);
    const std::string short_length_of_2("\x81\xFE\0\x05", 4),
        short_length_of_8("\x81\xFF\0\0\0\0\0\0\xFF\xFF", 10);
    for (const std::string& bad :
         {not_masked, frame(0xC1, ""), frame(0xA1, ""), frame(0x91, ""), frame(0x83, ""),
          frame(0x87, ""), frame(0x8B, ""), frame(0x8F, ""), frame(0x80, "goes on"),
          frame(0x00, "goes on"), frame(0x01, "a") + frame(0x81, "b"), frame(0x09, ""),
          frame(0x89, std::string(126, 'x')), frame(0x88, "\x03"), frame(0x88, "\x03\xED"),
          frame(0x88, std::string("\0\0", 2)), frame(0x88, "\x13\x88"),
          short_length_of_2 + std::string(mask), short_length_of_8 + std::string(mask)}) {
        EXPECT_THAT(read_all(bad), ElementsAre("refused 1002"))
            << ::testing::PrintToString(bad.substr(0, 20));
    }
    EXPECT_THAT(read_all(frame(0x81, "\xFF")), ElementsAre("refused 1007"));
    EXPECT_THAT(read_all(frame(0x88, "\x03\xE8\xFF")), ElementsAre("refused 1007"));
    EXPECT_THAT(read_all(frame(0x88, "")), ElementsAre("close 1005"));
    EXPECT_THAT(read_all(frame(0x88, "\x0F\xA1")), ElementsAre("close 4001"));
}

TEST(WebSocketFrames, AreRefusedByTheirDeclaredLengthBeforeABytesOfThemComes) {
    EXPECT_THAT(read_all(frame(0x82, std::string(1000, 'x')), 1'000'000, 1000),
                ElementsAre("binary:" + std::string(1000, 'x')));
    EXPECT_THAT(read_all(frame(0x82, std::string(1001, 'x')).substr(0, 8), 1'000'000, 1000),
                ElementsAre("refused 1009"));
    EXPECT_THAT(read_all(frame(0x02, std::string(999, 'x')) + frame(0x80, "yz"), 1'000'000, 1000),
                ElementsAre("refused 1009"));
    EXPECT_THAT(
        read_all(std::string("\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10) + std::string(mask),
                 1'000'000, 1000),
        ElementsAre("refused 1009"));
}

TEST(WebSocketFrames, TakeNothingMoreAfterAClose) {
    FrameReader reader(100);
    const std::string bytes = frame(0x88, "\x03\xE8") + frame(0x81, "late");
    const std::size_t first = reader.read(bytes);
    EXPECT_EQ(reader.found(), Found::close);
    EXPECT_EQ(reader.read(std::string_view{bytes}.substr(first)), bytes.size() - first);
    EXPECT_EQ(reader.found(), Found::close);
}

std::string head(Opcode opcode, std::size_t size) {
    const FrameHead made(opcode, size);
    return {made.bytes.data(), made.size};
}

TEST(WebSocketFrames, OfTheServerSayTheirLengthInAsFewBytesAsPossible) {
    EXPECT_EQ(head(Opcode::text, 0), std::string("\x81\0", 2));
    EXPECT_EQ(head(Opcode::binary, 125), "\x82\x7D");
    EXPECT_EQ(head(Opcode::binary, 126), std::string("\x82\x7E\0\x7E", 4));
    EXPECT_EQ(head(Opcode::pong, 65535), "\x8A\x7E\xFF\xFF");
    EXPECT_EQ(head(Opcode::text, 65536), std::string("\x81\x7F\0\0\0\0\0\x01\0\0", 10));
    EXPECT_EQ(close_payload(1001, "bye"),
              "\x03\xE9"
              "bye");
    EXPECT_EQ(close_payload(1001, std::string(200, 'x')).size(), 125U);
}

}  // namespace
}  // namespace weft::gateway
