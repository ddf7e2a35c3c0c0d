#include "signing/key_pair.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "signing/digest.hpp"

namespace weft::signing {
namespace {

std::string bytes_from_hex(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

PublicKey key_from_hex(std::string_view text) {
    PublicKey key{};
    bytes_from_hex(text).copy(reinterpret_cast<char*>(key.data()), key.size());
    return key;
}

KeyPair zero_key() {
    return KeyPair::from_seed(std::string(32, '\0'));
}

// The first test of RFC 8032, section 7.1.
TEST(KeyPair, SignsAsTheStandardSays) {
    const KeyPair pair = KeyPair::from_seed(
        bytes_from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    EXPECT_EQ(pair.public_key(),
              key_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    EXPECT_EQ(
        hex(bytes_of(pair.sign(""))),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b");
}

TEST(KeyPair, IsTheSameForTheSameSeed) {
    EXPECT_EQ(zero_key().public_key(), zero_key().public_key());
    EXPECT_EQ(KeyPair::from_seed(Secret(32)).public_key(), zero_key().public_key());
}

TEST(KeyPair, GivesItsSeedBackForTheKeyFile) {
    const KeyPair pair = KeyPair::generate();
    EXPECT_EQ(KeyPair::from_seed(pair.seed()).public_key(), pair.public_key());
}

TEST(KeyPair, IsAnotherOneEachTimeItIsGenerated) {
    EXPECT_NE(KeyPair::generate().public_key(), KeyPair::generate().public_key());
}

TEST(KeyPair, SignsFromSeveralThreadsAtOnce) {
    const KeyPair pair = zero_key();
    const Signature expected = pair.sign("message");
    std::vector<Signature> found(4);
    std::vector<std::thread> threads;
    threads.reserve(found.size());
    for (Signature& mine : found) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) mine = pair.sign("message");
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Signature& signature : found) EXPECT_EQ(signature, expected);
}

TEST(Signature, HoldsForItsMessageAndKeyOnly) {
    const KeyPair pair = zero_key();
    const Signature signature = pair.sign("message");
    EXPECT_TRUE(verify_signature(signature, "message", pair.public_key()));
    EXPECT_FALSE(verify_signature(signature, "messagf", pair.public_key()));
    EXPECT_FALSE(verify_signature(signature, "message", KeyPair::generate().public_key()));
}

TEST(Signature, FailsWithAnyBitFlipped) {
    const KeyPair pair = zero_key();
    const Signature signature = pair.sign("message");
    for (std::size_t bit = 0; bit < 512; ++bit) {
        Signature altered = signature;
        altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(verify_signature(altered, "message", pair.public_key())) << bit;
    }
}

TEST(Signature, HasExactly64Bytes) {
    const KeyPair pair = zero_key();
    const std::string signature(bytes_of(pair.sign("message")));
    EXPECT_TRUE(verify_signature(signature, "message", pair.public_key()));
    EXPECT_FALSE(verify_signature(signature.substr(0, 63), "message", pair.public_key()));
    EXPECT_FALSE(verify_signature(signature + '\0', "message", pair.public_key()));
    EXPECT_FALSE(verify_signature("", "message", pair.public_key()));
}

// S9: the other number that stands for the same S is refused, so nobody can make a second
// signature from a first one.
TEST(Signature, FailsWhenTheOrderOfTheGroupIsAddedToS) {
    const std::string order =
        bytes_from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    const KeyPair pair = zero_key();
    Signature malleated = pair.sign("message");
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += malleated[32 + i] + static_cast<std::uint8_t>(order[i]);
        malleated[32 + i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    ASSERT_EQ(carry, 0U);
    EXPECT_FALSE(verify_signature(malleated, "message", pair.public_key()));
}

// S9: with a key of small order one signature would hold for many messages. For each such key,
// R = the key and S = 0 satisfies the plain equation for some messages.
TEST(Signature, FailsForEveryKeyOfSmallOrder) {
    const std::array<std::string_view, 7> keys{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (const std::string_view text : keys) {
        const PublicKey key = key_from_hex(text);
        for (const std::string_view r : {keys[1], text}) {
            const std::string signature = bytes_from_hex(r) + std::string(32, '\0');
            for (int message = 0; message < 32; ++message) {
                EXPECT_FALSE(verify_signature(signature, std::to_string(message), key)) << text;
            }
        }
    }
}

}  // namespace
}  // namespace weft::signing
