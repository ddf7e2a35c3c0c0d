// What a verifier accepts, what it says of it, and shapes that it refuses before it hashes.
#include "signing/verifier.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "signing/merkle.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Frames;
using support::Identity;
using support::Receiver;
using support::SigningFixture;

constexpr const char* topic = "org.weft.dev.a.b";

class VerifierTest : public ::testing::Test {
protected:
    SigningFixture world;
    Identity alice = world.identity("alice");
    Receiver receiver{world.trust()};
    Frames genuine = support::sign(alice, topic, {"m0", "m1", "m2"});

    /// Refused for its shape: no content was hashed and no signature was checked (S6).
    void expect_refused_unseen(const Frames& frames, Refusal reason, Limits limits = {}) {
        for (const auto mode : {Receiver::Mode::validate, Receiver::Mode::integrity}) {
            Receiver strict(world.trust(), mode, limits);
            EXPECT_EQ(strict.take(frames), reason);
            EXPECT_EQ(strict.stats().contents_hashed, 0U);
            EXPECT_EQ(strict.stats().signatures_checked, 0U);
            EXPECT_EQ(strict.stats().root_misses, 0U);
        }
    }
};

TEST_F(VerifierTest, AGenuineRunIsAcceptedWithItsSignerAndDigests) {
    ASSERT_TRUE(receiver.take(genuine));

    EXPECT_TRUE(receiver.run.verified);
    EXPECT_EQ(receiver.run.kind, Kind::message);
    ASSERT_NE(receiver.run.signer, nullptr);
    EXPECT_EQ(receiver.run.signer->name(), "alice");
    ASSERT_EQ(receiver.run.items.size(), 3U);
    for (std::size_t item = 0; item < 3; ++item) {
        const std::string content = "m" + std::to_string(item);
        EXPECT_EQ(receiver.run.items[item].content, content);
        EXPECT_TRUE(receiver.run.items[item].present);
        EXPECT_EQ(receiver.run.items[item].digest, message_digest(topic, content));
    }
}

TEST_F(VerifierTest, WhatIsNoMessageArrivesAsWhatItWasSignedAs) {
    const Identity hub =
        world.identity("hub", {.roles = support::roles_of({Role::publish, Role::journal})});
    for (const Kind kind : {Kind::ack, Kind::beacon, Kind::request, Kind::answer}) {
        const Frames frames = support::sign(hub, topic, {"m"}, kind);

        ASSERT_TRUE(receiver.take(frames));
        EXPECT_EQ(receiver.run.kind, kind);
    }
}

// S1: what is handed on are the very bytes that were received, and nothing looked inside them.
TEST_F(VerifierTest, ContentsAreViewsIntoTheFramesAsReceived) {
    const std::vector<std::string> not_msgpack{std::string("\xc1\0\xff", 3), "",
                                               "{\"b\":1,\"a\":2}"};
    const Frames frames = support::sign(alice, topic, not_msgpack);

    ASSERT_TRUE(receiver.take(frames));

    const char* next = frames.contents.data();
    for (std::size_t item = 0; item < not_msgpack.size(); ++item) {
        EXPECT_EQ(receiver.run.items[item].content, not_msgpack[item]);
        EXPECT_EQ(receiver.run.items[item].content.data(), next + 4);
        next += 4 + not_msgpack[item].size();
    }
}

// S1: no byte of a message with a bad proof reaches a parser.
TEST_F(VerifierTest, ARefusedRunLeavesNothingToRead) {
    ASSERT_TRUE(receiver.take(genuine));
    Frames altered = genuine;
    altered.contents.back() = '!';

    ASSERT_FALSE(receiver.take(altered));

    EXPECT_TRUE(receiver.run.items.empty());
    EXPECT_EQ(receiver.run.signer, nullptr);
    EXPECT_FALSE(receiver.run.verified);
}

TEST_F(VerifierTest, AMessageAloneCarriesTheDigestsOfItsNeighbours) {
    const Frames frames = support::alone(genuine, 1);

    ASSERT_TRUE(receiver.take(frames));

    ASSERT_EQ(receiver.run.items.size(), 3U);
    EXPECT_FALSE(receiver.run.items[0].present);
    EXPECT_EQ(receiver.run.items[0].content, "");
    EXPECT_EQ(receiver.run.items[0].digest, message_digest(topic, "m0"));
    EXPECT_EQ(receiver.run.items[1].content, "m1");
    EXPECT_FALSE(receiver.run.items[2].present);
}

// S3: the lengths are inside the hash.
TEST_F(VerifierTest, AByteMovedFromTopicToContentIsRefused) {
    const Frames frames = support::sign(alice, "org.weft.ab", {"c"});
    ASSERT_TRUE(receiver.take(frames));
    const Frames to_content{"org.weft.a", support::contents_of({"bc"}), frames.proof};
    const Frames to_topic{"org.weft.abc", support::contents_of({""}), frames.proof};

    EXPECT_EQ(receiver.take(to_content), Refusal::signature_bad);
    EXPECT_EQ(receiver.take(to_topic), Refusal::signature_bad);
}

// S3, between two contents of one run.
TEST_F(VerifierTest, AByteMovedBetweenNeighboursIsRefused) {
    const Frames frames = support::sign(alice, topic, {"ab", "c"});

    EXPECT_EQ(receiver.take({topic, support::contents_of({"a", "bc"}), frames.proof}),
              Refusal::signature_bad);
}

// S8: the topic frame that ZeroMQ filtered on is the one that was signed.
TEST_F(VerifierTest, SwappedTopicFramesAreRefusedWithValidationOnAndOff) {
    Frames first = support::sign(alice, "org.weft.dev.a", {"m"});
    Frames second = support::sign(alice, "org.weft.dev.b", {"m"});
    std::swap(first.topic, second.topic);

    for (const auto mode : {Receiver::Mode::validate, Receiver::Mode::integrity}) {
        Receiver either(world.trust(), mode);
        EXPECT_EQ(either.take(first), Refusal::signature_bad);
        EXPECT_EQ(either.take(second), Refusal::signature_bad);
    }
}

// S8, within one batch: neither run lends its proof to the other.
TEST_F(VerifierTest, SwappedTopicFramesOfOneBatchAreRefused) {
    auto batch = support::sign_batch(alice, {{"org.weft.dev.a", {"m"}}, {"org.weft.dev.b", {"m"}}});
    ASSERT_TRUE(receiver.take(batch[0]));
    std::swap(batch[0].topic, batch[1].topic);

    EXPECT_EQ(receiver.take(batch[0]), Refusal::signature_bad);
    EXPECT_EQ(receiver.take(batch[1]), Refusal::signature_bad);
}

TEST_F(VerifierTest, TopicsThatAreNoneAreRefusedUnseen) {
    const std::vector<std::string> bad{"",     std::string(256, 'a'), "a..b", ".a", "a.",
                                       "a\nb", "a.\xff\xfe"};
    for (const std::string& no_topic : bad) {
        Frames frames = genuine;
        frames.topic = no_topic;
        expect_refused_unseen(frames, Refusal::topic_invalid);
    }
}

TEST_F(VerifierTest, ATopicOf255BytesIsAccepted) {
    const Frames frames = support::sign(alice, std::string(255, 'a'), {"m"});
    EXPECT_TRUE(receiver.take(frames));
}

TEST_F(VerifierTest, AMessageWithoutAProofIsRefused) {
    Receiver strict(world.trust());
    EXPECT_EQ(strict.take(support::unsigned_frames(topic, {"m"})), Refusal::unsigned_message);
    EXPECT_EQ(strict.stats().contents_hashed, 0U);
}

// S6: the whole frame.
TEST_F(VerifierTest, AContentsFrameAboveItsLimitIsRefusedUnseen) {
    const Limits limits{.content_bytes_max = 16, .contents_frame_bytes_max = 64};
    const Frames fits = support::sign(
        alice, topic, {std::string(16, 'a'), std::string(16, 'b'), std::string(12, 'c'), "d", ""});
    ASSERT_EQ(fits.contents.size(), 65U);
    expect_refused_unseen(fits, Refusal::frame_too_large, limits);

    const Frames exact = support::sign(
        alice, topic, {std::string(16, 'a'), std::string(16, 'b'), std::string(12, 'c'), "", ""});
    Receiver limited(world.trust(), Receiver::Mode::validate, limits);
    EXPECT_TRUE(limited.take(exact));
}

// S6: each content.
TEST_F(VerifierTest, AContentAboveItsLimitIsRefusedUnseen) {
    const Limits limits{.content_bytes_max = 16, .contents_frame_bytes_max = 64};
    const Frames frames = support::sign(alice, topic, {"a", std::string(17, 'b')});

    expect_refused_unseen(frames, Refusal::content_too_large, limits);

    Frames bare = frames;
    bare.proof.clear();
    Receiver lenient(nullptr, Receiver::Mode::integrity, limits);
    EXPECT_EQ(lenient.take(bare), Refusal::content_too_large);
}

// S6: the items fill the frame exactly.
TEST_F(VerifierTest, ContentsThatTheItemsDoNotFillExactlyAreRefusedUnseen) {
    Frames frames = genuine;
    for (std::size_t bytes = 0; bytes < genuine.contents.size(); ++bytes) {
        frames.contents = genuine.contents.substr(0, bytes);
        expect_refused_unseen(frames, Refusal::contents_malformed);
    }
    frames.contents = genuine.contents + '\0';
    expect_refused_unseen(frames, Refusal::contents_malformed);
    frames.contents = genuine.contents + support::contents_of({"m3"});
    expect_refused_unseen(frames, Refusal::contents_malformed);
}

// S6: a length is never believed before the bytes are there.
TEST_F(VerifierTest, AnItemThatClaimsFourGigabytesIsRefusedUnseen) {
    Frames frames = support::sign(alice, topic, {"m"});
    frames.contents.replace(0, 4, "\xff\xff\xff\xfe");
    expect_refused_unseen(frames, Refusal::contents_malformed);
}

// S6: at least one item is present.
TEST_F(VerifierTest, ARunWithEveryMessageLeftOutIsRefusedUnseen) {
    Frames frames = genuine;
    frames.contents.clear();
    for (const char* content : {"m0", "m1", "m2"}) {
        append_left_out(message_digest(topic, content), frames.contents);
    }
    expect_refused_unseen(frames, Refusal::nothing_present);
}

// S6, S7: every field at a fixed offset, each refused before anything is hashed.
TEST_F(VerifierTest, ProofsOfAnImpossibleShapeAreRefusedUnseen) {
    struct Case {
        std::size_t offset;
        const char* bytes;
        Refusal reason;
    };
    const std::vector<Case> cases{
        {0, "00", Refusal::proof_version_unknown}, {0, "02", Refusal::proof_version_unknown},
        {1, "00", Refusal::suite_not_allowed},     {1, "02", Refusal::suite_not_allowed},
        {1, "ff", Refusal::suite_not_allowed},     {2, "05", Refusal::kind_unknown},
        {2, "ff", Refusal::kind_unknown},          {3, "01", Refusal::path_length_wrong},
        {3, "ff", Refusal::path_length_wrong},     {4, "0001", Refusal::position_invalid},
        {6, "0000", Refusal::position_invalid},    {6, "0101", Refusal::position_invalid},
        {6, "0002", Refusal::path_length_wrong},   {8, "0000", Refusal::run_length_invalid},
        {8, "0101", Refusal::run_length_invalid},  {8, "ffff", Refusal::run_length_invalid},
        {8, "0002", Refusal::contents_malformed},  {8, "0004", Refusal::contents_malformed},
        {10, "0001", Refusal::reserved_not_zero},  {10, "8000", Refusal::reserved_not_zero}};
    for (const Case& one : cases) {
        SCOPED_TRACE("offset " + std::to_string(one.offset) + ": " + one.bytes);
        Frames frames = genuine;
        const std::string_view digits = one.bytes;
        for (std::size_t at = 0; at < digits.size(); at += 2) {
            frames.proof[one.offset + at / 2] =
                static_cast<char>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16));
        }
        expect_refused_unseen(frames, one.reason);
    }
}

// S6.
TEST_F(VerifierTest, AProofThatEndsEarlyIsRefusedUnseen) {
    Frames frames = genuine;
    for (std::size_t bytes = 1; bytes < proof_fixed_bytes; ++bytes) {
        frames.proof = genuine.proof.substr(0, bytes);
        expect_refused_unseen(frames, Refusal::proof_truncated);
    }
}

// S6.
TEST_F(VerifierTest, ACertificateAbove4KiBIsRefusedUnseen) {
    Frames frames = genuine;
    frames.proof.resize(proof_fixed_bytes + Certificate::bytes_max + 1);
    expect_refused_unseen(frames, Refusal::certificate_too_large);
}

// S7: the suite is under the signature, not only beside it.
TEST_F(VerifierTest, ASignatureOverAnotherSuiteByteIsRefused) {
    const std::vector<Digest> digests{message_digest(topic, "m")};
    const Cid cid = alice.certificate->cid();
    const Digest leaf = leaf_digest(cid, 0, 1, run_digest(cid, Kind::message, digests));
    SignedRoot root = signed_root(alice.certificate->fingerprint(), 1, leaf);
    Frames frames = support::sign(alice, topic, {"m"});
    frames.proof.replace(12, 64, bytes_of(alice.key->sign(bytes_of(root))));
    ASSERT_TRUE(receiver.take(frames));

    root[16] = 2;
    frames.proof.replace(12, 64, bytes_of(alice.key->sign(bytes_of(root))));

    EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
}

TEST_F(VerifierTest, EveryBitOfTheProofMatters) {
    for (std::size_t bit = 0; bit < 8 * genuine.proof.size(); ++bit) {
        Frames frames = genuine;
        char& byte = frames.proof[bit / 8];
        byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
        ASSERT_FALSE(receiver.take(frames)) << "bit " << bit;
    }
    EXPECT_EQ(receiver.stats().roots_cached, 0U);
}

}  // namespace
}  // namespace weft::signing
