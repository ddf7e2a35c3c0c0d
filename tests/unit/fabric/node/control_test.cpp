#include "fabric/node/control.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "signing/topic_glob.hpp"

namespace weft::fabric {
namespace {

TEST(Control, NoControlTopicIsATopic) {
    for (const auto prefix : {barrier_prefix, echo_prefix, probe_prefix}) {
        EXPECT_TRUE(is_control(prefix));
        EXPECT_NE(signing::topic_error(prefix), "");
    }
    EXPECT_FALSE(is_control(""));
    EXPECT_FALSE(is_control("org.weft.dev.a"));
}

// Subscriptions come in byte order: what comes with the barrier must have topics before it.
TEST(Control, EveryControlPrefixSortsAfterEveryTopic) {
    const std::string last_topic = "\xF4\x8F\xBF\xBF";  // the highest code point there is
    ASSERT_EQ(signing::topic_error(last_topic), "");
    for (const auto prefix : {barrier_prefix, echo_prefix, probe_prefix}) {
        EXPECT_GT(prefix, std::string_view{last_topic});
    }
}

TEST(Control, ANonceIsReadBackOnlyFromItsOwnTopicAndInItsOwnLength) {
    const std::string nonce = make_nonce();
    ASSERT_EQ(nonce.size(), nonce_bytes);

    EXPECT_EQ(nonce_of(std::string{barrier_prefix} + nonce, barrier_prefix), nonce);
    EXPECT_EQ(nonce_of(std::string{barrier_prefix} + nonce, echo_prefix), "");
    EXPECT_EQ(nonce_of(std::string{barrier_prefix} + nonce + "0", barrier_prefix), "");
    EXPECT_EQ(nonce_of(std::string{barrier_prefix} + nonce.substr(1), barrier_prefix), "");
    EXPECT_EQ(nonce_of(barrier_prefix, barrier_prefix), "");
    EXPECT_EQ(nonce_of(nonce, barrier_prefix), "");
}

TEST(Control, NoncesDoNotRepeat) {
    std::set<std::string> nonces;
    for (int i = 0; i < 1000; ++i) nonces.insert(make_nonce());

    EXPECT_EQ(nonces.size(), 1000u);
}

}  // namespace
}  // namespace weft::fabric
