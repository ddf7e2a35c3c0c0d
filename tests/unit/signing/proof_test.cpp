#include "signing/proof.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "signing/certificate.hpp"

namespace weft::signing {
namespace {

struct Place {
    std::uint16_t i, n;
};

std::string frame_of(Place place, std::uint16_t k, const std::string& certificate = "cert") {
    const std::string signature(64, 's');
    const std::string path(32 * path_length(place.i, place.n), 'p');
    std::string frame;
    write_proof({.kind = Kind::ack,
                 .i = place.i,
                 .n = place.n,
                 .k = k,
                 .signature = signature,
                 .path = path,
                 .certificate = certificate},
                frame);
    return frame;
}

void put_u16(std::string& frame, std::size_t offset, unsigned number) {
    frame[offset] = static_cast<char>(number >> 8U);
    frame[offset + 1] = static_cast<char>(number & 0xFFU);
}

/// Nullopt: the frame was accepted.
std::optional<Refusal> refusal_of(std::string_view frame) {
    const auto read = read_proof(frame);
    return read ? std::nullopt : std::optional(read.error().reason);
}

TEST(Proof, StandsAtTheOffsetsOfTheFormat) {
    const std::string frame = frame_of({2, 3}, 0x0100);

    EXPECT_EQ(frame.substr(0, 12), std::string("\1\1\1\1\0\2\0\3\1\0\0\0", 12));
    EXPECT_EQ(frame.substr(12, 64), std::string(64, 's'));
    EXPECT_EQ(frame.substr(76, 32), std::string(32, 'p'));
    EXPECT_EQ(frame.substr(108), "cert");
}

TEST(Proof, ReadsBackWhatWasWritten) {
    const std::string frame = frame_of({4, 9}, 17);

    const auto read = read_proof(frame);

    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind, Kind::ack);
    EXPECT_EQ(read->i, 4);
    EXPECT_EQ(read->n, 9);
    EXPECT_EQ(read->k, 17);
    EXPECT_EQ(read->signature, std::string(64, 's'));
    EXPECT_EQ(read->path, std::string(32 * 4, 'p'));
    EXPECT_EQ(read->certificate, "cert");
}

TEST(Proof, FieldsAreViewsIntoTheFrame) {
    const std::string frame = frame_of({0, 2}, 1);

    const auto read = read_proof(frame);

    ASSERT_TRUE(read);
    EXPECT_EQ(read->signature.data(), frame.data() + 12);
    EXPECT_EQ(read->path.data(), frame.data() + 76);
    EXPECT_EQ(read->certificate.data(), frame.data() + 108);
}

TEST(Proof, WritingAgainReplacesTheFrame) {
    std::string frame = frame_of({0, 256}, 1);
    const std::string expected = frame_of({0, 1}, 1);
    const std::string signature(64, 's');

    write_proof({.kind = Kind::ack,
                 .i = 0,
                 .n = 1,
                 .k = 1,
                 .signature = signature,
                 .path = {},
                 .certificate = "cert"},
                frame);

    EXPECT_EQ(frame, expected);
}

// The numbers are worked out by hand: the last node moves up wherever its row is odd.
TEST(Proof, PathLengthCountsOnlyTheLevelsWithASibling) {
    EXPECT_EQ(path_length(0, 1), 0U);
    EXPECT_EQ(path_length(0, 2), 1U);
    EXPECT_EQ(path_length(0, 3), 2U);
    EXPECT_EQ(path_length(2, 3), 1U);
    EXPECT_EQ(path_length(4, 5), 1U);
    EXPECT_EQ(path_length(4, 6), 2U);
    EXPECT_EQ(path_length(6, 7), 2U);
    EXPECT_EQ(path_length(254, 255), 7U);
    EXPECT_EQ(path_length(0, 255), 8U);
    EXPECT_EQ(path_length(255, 256), 8U);
}

// S6: any prefix of a frame is refused, and no byte behind it is read (the sanitizer looks).
TEST(Proof, EveryTruncationIsRefused) {
    const std::string frame = frame_of({1, 256}, 256, "");
    for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
        const std::vector<char> exact(frame.begin(),
                                      frame.begin() + static_cast<std::ptrdiff_t>(bytes));
        EXPECT_EQ(refusal_of({exact.data(), exact.size()}), Refusal::proof_truncated) << bytes;
    }
}

TEST(Proof, AnotherVersionIsRefused) {
    for (const char version : {'\0', '\2', '\xff'}) {
        std::string frame = frame_of({0, 1}, 1);
        frame[0] = version;
        EXPECT_EQ(refusal_of(frame), Refusal::proof_version_unknown);
    }
}

// S7: there is one suite, no "none", and nothing to negotiate.
TEST(Proof, SuitesZeroTwoAnd255AreRefused) {
    for (const char suite : {'\0', '\2', '\xff'}) {
        std::string frame = frame_of({0, 1}, 1);
        frame[1] = suite;
        EXPECT_EQ(refusal_of(frame), Refusal::suite_not_allowed);
    }
}

TEST(Proof, KindsBehindTheLastAreRefused) {
    for (const char kind : {'\5', '\x7f', '\xff'}) {
        std::string frame = frame_of({0, 1}, 1);
        frame[2] = kind;
        EXPECT_EQ(refusal_of(frame), Refusal::kind_unknown);
    }
}

// S6.
TEST(Proof, RunsOfNoneOrOfMoreThan256MessagesAreRefused) {
    for (const unsigned k : {0U, 257U, 0xFFFFU}) {
        std::string frame = frame_of({0, 1}, 1);
        put_u16(frame, 8, k);
        EXPECT_EQ(refusal_of(frame), Refusal::run_length_invalid) << k;
    }
    EXPECT_TRUE(read_proof(frame_of({0, 1}, 256)));
}

// S6.
TEST(Proof, PositionsOutsideTheBatchAndBatchesBeyond256AreRefused) {
    const std::vector<std::pair<unsigned, unsigned>> bad{
        {0, 0}, {1, 1}, {5, 4}, {0xFFFF, 1}, {0, 257}, {0, 0xFFFF}, {256, 257}};
    for (const auto& [i, n] : bad) {
        std::string frame = frame_of({0, 1}, 1);
        put_u16(frame, 4, i);
        put_u16(frame, 6, n);
        EXPECT_EQ(refusal_of(frame), Refusal::position_invalid) << i << " of " << n;
    }
    EXPECT_TRUE(read_proof(frame_of({255, 256}, 1)));
}

// S4, S6: the path length follows from (i, n); every other is refused.
TEST(Proof, EveryOtherPathLengthIsRefused) {
    for (const Place place : {Place{0, 1}, Place{2, 3}, Place{0, 256}, Place{254, 255}}) {
        for (unsigned length = 0; length < 256; ++length) {
            std::string frame = frame_of(place, 1, std::string(Certificate::bytes_max, 'c'));
            if (length == path_length(place.i, place.n)) continue;
            frame[3] = static_cast<char>(length);
            EXPECT_EQ(refusal_of(frame), Refusal::path_length_wrong) << length;
        }
    }
}

TEST(Proof, ReservedBytesMustBeZero) {
    for (const unsigned reserved : {1U, 0x100U}) {
        std::string frame = frame_of({0, 1}, 1);
        put_u16(frame, 10, reserved);
        EXPECT_EQ(refusal_of(frame), Refusal::reserved_not_zero);
    }
}

// S6.
TEST(Proof, ACertificateOfMoreThan4KiBIsRefused) {
    EXPECT_TRUE(read_proof(frame_of({0, 2}, 1, std::string(4096, 'c'))));

    EXPECT_EQ(refusal_of(frame_of({0, 2}, 1, std::string(4096, 'c')) + "c"),
              Refusal::certificate_too_large);
}

TEST(Proof, EveryRefusalSaysWhatItFound) {
    std::string frame = frame_of({0, 3}, 1);
    put_u16(frame, 6, 1);

    const auto read = read_proof(frame);

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().detail, "2 hashes where leaf 0 of 1 needs 0");
}

TEST(Contents, ItemsReadBackInOrderAsViews) {
    std::string contents;
    append_item("first", contents);
    append_left_out(Digest{7}, contents);
    append_item("", contents);
    ItemReader reader(contents);

    const auto first = reader.next();
    const auto second = reader.next();
    ASSERT_FALSE(reader.at_end());
    const auto third = reader.next();

    ASSERT_TRUE(first && second && third);
    EXPECT_EQ(first->bytes, "first");
    EXPECT_EQ(first->bytes.data(), contents.data() + 4);
    EXPECT_TRUE(first->present);
    EXPECT_EQ(second->bytes, bytes_of(Digest{7}));
    EXPECT_FALSE(second->present);
    EXPECT_EQ(third->bytes, "");
    EXPECT_TRUE(third->present);
    EXPECT_TRUE(reader.at_end());
}

TEST(Contents, AnItemLongerThanTheFrameIsNoItem) {
    for (const std::string_view frame :
         {std::string_view("\0\0\0", 3), std::string_view("\0\0\0\2a", 5),
          std::string_view("\xff\xff\xff\xfe", 4),
          std::string_view("\xff\xff\xff\xff 31 bytes", 13)}) {
        ItemReader reader(frame);
        EXPECT_FALSE(reader.next()) << hex(frame);
    }
}

}  // namespace
}  // namespace weft::signing
