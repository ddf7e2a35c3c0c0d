// The way that nearly every run takes (known signer, known topic, cached root) allocates nothing.
#include <gmock/gmock.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "signing/verifier.hpp"
#include "tests/support/signing_fixture.hpp"

namespace {

thread_local std::size_t allocations = 0;

void* counted(std::size_t bytes) {
    ++allocations;
    if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// Replaced for the whole test program: they count, and otherwise do what they always did.
void* operator new(std::size_t bytes) {
    return counted(bytes);
}
void* operator new[](std::size_t bytes) {
    return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(bytes == 0 ? 1 : bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace weft::signing {
namespace {

using support::Frames;
using support::Receiver;
using support::SigningFixture;

std::vector<std::string> messages(std::size_t count) {
    std::vector<std::string> contents;
    for (std::size_t m = 0; m < count; ++m) contents.push_back(std::string(256, 'm'));
    return contents;
}

TEST(VerifierAllocation, TheCounterCounts) {
    const std::size_t before = allocations;
    const auto something = std::make_unique<int>(7);
    EXPECT_EQ(*something, 7);
    EXPECT_EQ(allocations - before, 1U);
}

TEST(VerifierAllocation, ARunUnderACachedRootAllocatesNothing) {
    SigningFixture world;
    const auto alice = world.identity("alice");
    const std::vector<Frames> batch =
        support::sign_batch(alice, {{"org.weft.dev.a.long.enough.to.need.memory", messages(256)},
                                    {"org.weft.dev.b", messages(1)},
                                    {"org.weft.dev.a.long.enough.to.need.memory", messages(255)},
                                    {"org.weft.dev.b", messages(2)}});
    Receiver receiver(world.trust());
    ASSERT_TRUE(receiver.take(batch[0]));
    ASSERT_TRUE(receiver.take(batch[1]));

    const std::size_t before = allocations;
    const bool taken = receiver.take(batch[2]) && receiver.take(batch[3]) &&
                       receiver.take(batch[0]) && receiver.take(batch[1]);
    const std::size_t after = allocations;

    EXPECT_TRUE(taken);
    EXPECT_EQ(after - before, 0U);
}

TEST(VerifierAllocation, AnUnsignedRunAllocatesNothing) {
    const Frames frames = support::unsigned_frames("org.weft.dev.a", messages(256));
    Receiver receiver(nullptr, Receiver::Mode::integrity);
    ASSERT_TRUE(receiver.take(frames));

    const std::size_t before = allocations;
    const bool taken{receiver.take(frames)};
    const std::size_t after = allocations;

    EXPECT_TRUE(taken);
    EXPECT_EQ(after - before, 0U);
}

}  // namespace
}  // namespace weft::signing
