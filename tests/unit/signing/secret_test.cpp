#include "signing/secret.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <concepts>
#include <ostream>
#include <type_traits>

#include "signing/key_pair.hpp"
#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
    out << value;
};

// K3: not copyable, not printable, not comparable with ==.
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::equality_comparable<Secret>);
static_assert(!Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_copy_constructible_v<KeyPair>);
static_assert(!std::equality_comparable<KeyPair>);
static_assert(!Printable<KeyPair>);

TEST(Secret, StartsZeroed) {
    const Secret secret(64);
    EXPECT_EQ(secret.reveal(), std::string(64, '\0'));
}

TEST(Secret, HoldsWhatWasCopied) {
    const Secret secret = Secret::copy_of("correct horse");
    EXPECT_EQ(secret.reveal(), "correct horse");
    EXPECT_EQ(secret.size(), 13U);
}

TEST(Secret, IsComparedInConstantTimeOnly) {
    const Secret secret = Secret::copy_of("correct horse");
    EXPECT_TRUE(secret.equals("correct horse"));
    EXPECT_FALSE(secret.equals("correct hors3"));
    EXPECT_FALSE(secret.equals("correct"));
    EXPECT_FALSE(secret.equals(""));
    EXPECT_TRUE(Secret().equals(""));
}

TEST(Secret, LeavesItsSourceEmptyWhenItMoves) {
    Secret first = Secret::copy_of("one");
    const char* const bytes = first.reveal().data();
    Secret second = std::move(first);
    EXPECT_EQ(second.reveal().data(), bytes);  // the same memory: no copy was left behind
    EXPECT_EQ(first.size(), 0U);               // NOLINT(bugprone-use-after-move)

    Secret third = Secret::copy_of("three");
    third = std::move(second);
    EXPECT_EQ(third.reveal(), "one");
}

TEST(Secret, WipesWhatItShrinksAwayFrom) {
    Secret secret = Secret::copy_of("keep|lose");
    const char* const bytes = secret.data();
    secret.shrink_to(5);
    EXPECT_EQ(secret.reveal(), "keep|");
    EXPECT_EQ(std::string_view(bytes + 5, 4), std::string_view("\0\0\0\0", 4));
}

TEST(Secret, IsRandomOnRequest) {
    const Secret a = Secret::random(32), b = Secret::random(32);
    EXPECT_FALSE(a.equals(b.reveal()));
    EXPECT_FALSE(a.equals(std::string(32, '\0')));
}

TEST(SecretDeathTest, IsNoLongerReadableOnceItIsGone) {
    const char* bytes = nullptr;
    {
        const Secret secret = Secret::copy_of("canary");
        bytes = secret.reveal().data();
    }
    EXPECT_DEATH(
        {
            // Its pages are unmapped, so reading there faults instead of showing the canary.
            volatile const char* gone = bytes;
            if (*gone == 'c') std::abort();
            std::abort();
        },
        "");
}

TEST(SecretDeathTest, StandsBetweenGuardPages) {
    EXPECT_DEATH(
        {
            Secret secret(32);
            volatile char* past_its_end = secret.data() + 32;
            *past_its_end = 'x';
        },
        "");
}

[[noreturn]] void exit_with_zero_if_core_dumps_can_be_disabled() {
    const bool disabled = disable_core_dumps();
    rlimit limit{1, 1};
    getrlimit(RLIMIT_CORE, &limit);
    const bool off = limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    std::_Exit(disabled && off ? 0 : 1);
}

// K3. In a process of its own, since it cannot be taken back.
TEST(CoreDumpsDeathTest, AreOffOnceDisabled) {
    EXPECT_EXIT(exit_with_zero_if_core_dumps_can_be_disabled(), ::testing::ExitedWithCode(0), "");
}

TEST(Wipe, OverwritesMemory) {
    std::string text = "canary";
    wipe(text.data(), text.size());
    EXPECT_EQ(text, std::string(6, '\0'));
}

}  // namespace
}  // namespace weft::signing
