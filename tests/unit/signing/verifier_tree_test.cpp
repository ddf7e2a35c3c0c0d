// Rule S4 and S5 as a receiver meets them: no proof serves another place than its own.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "signing/verifier.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Frames;
using support::Identity;
using support::Receiver;
using support::SigningFixture;
using support::UnsignedRun;

constexpr const char* topic = "org.weft.dev.a.b";

std::vector<std::string> messages(std::size_t count) {
    std::vector<std::string> contents;
    for (std::size_t m = 0; m < count; ++m) contents.push_back("m" + std::to_string(m));
    return contents;
}

std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = 1; size <= 70; ++size) all.push_back(size);
    all.push_back(255);
    all.push_back(256);
    return all;
}

void put_u16(std::string& frame, std::size_t offset, std::size_t number) {
    frame[offset] = static_cast<char>(number >> 8U);
    frame[offset + 1] = static_cast<char>(number & 0xFFU);
}

class VerifierTreeTest : public ::testing::Test {
protected:
    SigningFixture world;
    Identity alice = world.identity("alice");
    Receiver receiver{world.trust()};

    std::vector<Frames> batch_of(std::size_t n) const {
        std::vector<UnsignedRun> runs;
        for (std::size_t i = 0; i < n; ++i) runs.push_back({topic, {"m" + std::to_string(i)}});
        return support::sign_batch(alice, runs);
    }
};

TEST_F(VerifierTreeTest, EveryRunOfABatchVerifiesAndTheBatchCostsOneSignature) {
    for (const std::size_t n : sizes()) {
        Receiver fresh(world.trust());
        for (const Frames& frames : batch_of(n)) ASSERT_TRUE(fresh.take(frames)) << n;

        EXPECT_EQ(fresh.stats().root_misses, 1U) << n;
        EXPECT_EQ(fresh.stats().root_hits, n - 1) << n;
        EXPECT_EQ(fresh.stats().signatures_checked, 2U) << n;  // The certificate's and the root's.
    }
}

// S4.
TEST_F(VerifierTreeTest, EverySingleMessagePassesWithItsNeighboursLeftOut) {
    for (const std::size_t k : sizes()) {
        const Frames run = support::sign(alice, topic, messages(k));
        ASSERT_TRUE(receiver.take(run));
        const std::size_t step = k > 70 ? 15 : 1;  // 255 is a multiple: the last one is among them.
        for (std::size_t kept = 0; kept < k; kept += step) {
            const Frames single = support::alone(run, kept);
            ASSERT_TRUE(receiver.take(single)) << kept << " of " << k;
            ASSERT_EQ(receiver.run.items[kept].content, "m" + std::to_string(kept));
        }
    }
}

// S4: every other (i, n) up to the largest batch, with the path as it is.
TEST_F(VerifierTreeTest, NoOtherPositionOrCountPasses) {
    const std::vector<Frames> batch = batch_of(5);
    for (const Frames& genuine : {batch[1], batch[4]}) {
        const std::string position = genuine.proof.substr(4, 4);
        for (std::size_t n = 1; n <= 256; ++n) {
            for (std::size_t i = 0; i < n; ++i) {
                Frames frames = genuine;
                put_u16(frames.proof, 4, i);
                put_u16(frames.proof, 6, n);
                if (frames.proof.substr(4, 4) == position) continue;
                ASSERT_FALSE(receiver.take(frames)) << i << " of " << n;
            }
        }
        ASSERT_TRUE(receiver.take(genuine));
    }
    EXPECT_EQ(receiver.stats().roots_cached, 1U);
}

// S4.
TEST_F(VerifierTreeTest, ShorterLongerAndPermutedPathsAreRefused) {
    for (const std::size_t n : {4U, 7U, 70U, 255U, 256U}) {
        const Frames genuine = batch_of(n)[1];
        ASSERT_TRUE(receiver.take(genuine));
        const auto length = static_cast<std::size_t>(genuine.proof[3]);
        constexpr std::size_t path = proof_fixed_bytes;

        Frames shorter = genuine;
        shorter.proof[3] = static_cast<char>(length - 1);
        shorter.proof.erase(path, 32);
        EXPECT_EQ(receiver.take(shorter), Refusal::path_length_wrong);

        Frames longer = genuine;
        longer.proof[3] = static_cast<char>(length + 1);
        longer.proof.insert(path, genuine.proof.substr(path, 32));
        EXPECT_EQ(receiver.take(longer), Refusal::path_length_wrong);

        for (std::size_t hash = 0; hash + 1 < length; ++hash) {
            Frames permuted = genuine;
            const std::string moved = permuted.proof.substr(path + 32 * hash, 32);
            permuted.proof.erase(path + 32 * hash, 32);
            permuted.proof.insert(path + 32 * (hash + 1), moved);
            EXPECT_EQ(receiver.take(permuted), Refusal::signature_bad);
        }
    }
}

// S4: k, shortened and stretched together with the contents.
TEST_F(VerifierTreeTest, ATruncatedOrExtendedRunIsRefused) {
    for (const std::size_t k : sizes()) {
        const Frames genuine = support::sign(alice, topic, messages(k));
        ASSERT_TRUE(receiver.take(genuine));
        for (const std::size_t other : {k - 1, k + 1}) {
            if (other < 1 || other > run_messages_max) continue;
            Frames frames = genuine;
            put_u16(frames.proof, 8, other);
            ASSERT_EQ(receiver.take(frames), Refusal::contents_malformed) << k;
            frames.contents = support::contents_of(messages(other));
            ASSERT_EQ(receiver.take(frames), Refusal::signature_bad) << k;
        }
    }
}

// S4.
TEST_F(VerifierTreeTest, ContentsSwappedWithinARunAreRefused) {
    for (const std::size_t k : sizes()) {
        if (k < 2) continue;
        const Frames genuine = support::sign(alice, topic, messages(k));
        for (const std::size_t first : {std::size_t{0}, k / 2 - 1, k - 2}) {
            std::vector<std::string> swapped = messages(k);
            std::swap(swapped[first], swapped[first + 1]);
            const Frames frames{topic, support::contents_of(swapped), genuine.proof};
            ASSERT_EQ(receiver.take(frames), Refusal::signature_bad) << first << " of " << k;
        }
    }
}

// S4: who leaves a message out must still say truly what it was.
TEST_F(VerifierTreeTest, AWrongDigestForAMessageLeftOutIsRefused) {
    for (const std::size_t k : sizes()) {
        if (k < 2) continue;
        const Frames genuine = support::sign(alice, topic, messages(k));
        Frames frames = support::alone(genuine, 0);
        ASSERT_TRUE(receiver.take(frames));

        frames.contents.back() = static_cast<char>(frames.contents.back() ^ 1);

        ASSERT_EQ(receiver.take(frames), Refusal::signature_bad) << k;
    }
}

// S4: a message cannot be present in another one's place.
TEST_F(VerifierTreeTest, AMessageAloneInTheWrongPlaceIsRefused) {
    const Frames genuine = support::sign(alice, topic, {"m0", "m1"});
    Frames frames{topic, {}, genuine.proof};
    append_left_out(message_digest(topic, "m1"), frames.contents);
    append_item("m0", frames.contents);

    EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
}

// S4: neither the run of a neighbour, nor the same run of another batch.
TEST_F(VerifierTreeTest, AProofServesOnlyItsOwnRun) {
    const std::vector<Frames> batch = batch_of(4);
    const std::vector<Frames> other = batch_of(3);

    EXPECT_EQ(receiver.take({topic, batch[0].contents, batch[1].proof}), Refusal::signature_bad);
    EXPECT_TRUE(receiver.take({topic, batch[0].contents, other[0].proof}));  // Signed there too.
    EXPECT_EQ(receiver.take({topic, batch[3].contents, other[2].proof}), Refusal::signature_bad);
}

// S5: the path of the last of four, which repeats the last of three, does not serve in the three.
TEST_F(VerifierTreeTest, ARepeatedLastRunIsNotPartOfTheShorterBatch) {
    const std::vector<Frames> three =
        support::sign_batch(alice, {{topic, {"m0"}}, {topic, {"m1"}}, {topic, {"m2"}}});
    const std::vector<Frames> four = support::sign_batch(
        alice, {{topic, {"m0"}}, {topic, {"m1"}}, {topic, {"m2"}}, {topic, {"m2"}}});
    const std::string signature_of_three = three[2].proof.substr(12, 64);

    Frames doubled = four[3];
    doubled.proof.replace(12, 64, signature_of_three);
    EXPECT_EQ(receiver.take(doubled), Refusal::signature_bad);
    put_u16(doubled.proof, 6, 3);
    EXPECT_EQ(receiver.take(doubled), Refusal::position_invalid);
}

}  // namespace
}  // namespace weft::signing
