// Verifier::verify() end to end. The fuzzer holds no key, so what may pass is known beforehand:
// the genuine runs below, also with some of their messages left out, and nothing else.
//
//   input:  u8 number of a genuine run, then changes to it, 5 bytes each:
//           u8 what | u8 which frame | u16 where | u8 value
//       or  u8 255 | u8 length, topic | u16 length, contents | proof

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <vector>

#include "signing/topic_glob.hpp"
#include "tests/fuzz/fixed_world.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using signing::Digest;
using signing::Kind;
using signing::RunFrames;
using support::Frames;

struct Genuine {
    Frames frames;
    Kind kind;
    bool may_speak;  ///< Else its proof holds, but its signer may not say this.
    std::vector<Digest> digests{};
};

/// The digests of a contents frame that a verifier should come to; none if it is malformed or
/// has no message at all.
std::vector<Digest> digests_of(std::string_view topic, std::string_view contents) {
    std::vector<Digest> digests;
    bool any_present = false;
    signing::ItemReader items(contents);
    while (!items.at_end()) {
        const auto item = items.next();
        if (!item) return {};
        Digest digest{};
        if (item->present) {
            any_present = true;
            digest = signing::message_digest(topic, item->bytes);
        } else {
            std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
        }
        digests.push_back(digest);
    }
    return any_present ? digests : std::vector<Digest>{};
}

struct World {
    FixedAuthority authority;
    std::vector<Genuine> runs;
    std::shared_ptr<signing::TrustStore> trust = authority.trust();
    signing::Verifier warm{trust, signing::Verifier::Mode::validate};

    World() {
        constexpr std::uint8_t publish = 1, ack = 2;
        const auto alice = authority.certify('a', "alice", publish, "org.weft.dev.**");
        const auto bob = authority.certify('b', "bob", ack, "org.weft.dev.**");
        add(alice, {{"org.weft.dev.a", {"hello"}}}, true);
        add(alice,
            {{"org.weft.dev.a", {"one", "two", "three"}},
             {"org.weft.dev.b", {"", "x"}},
             {"org.weft.dev.beacon.alice", {"here"}, Kind::beacon},
             {"org.weft.dev.c", {std::string(100, 'c')}},
             {"org.weft.dev.d", {"last"}}},
            true);
        add(alice, {{"org.weft.live.a", {"not granted"}}}, false);
        add(bob, {{"org.weft.dev.a", {"no role"}}}, false);
        add(bob, {{"org.weft.dev.a", {"ack"}, Kind::ack}}, true);
    }

    void add(const support::Identity& who, const std::vector<support::UnsignedRun>& batch,
             bool may_speak) {
        std::vector<Frames> frames = support::sign_batch(who, batch);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            Genuine run{std::move(frames[i]), batch[i].kind, may_speak};
            run.digests = digests_of(run.frames.topic, run.frames.contents);
            runs.push_back(std::move(run));
        }
    }
};

World& world() {
    static World one;
    return one;
}

std::string& frame_of(Frames& frames, std::uint8_t which) {
    if (which % 3 == 0) return frames.topic;
    return which % 3 == 1 ? frames.contents : frames.proof;
}

void change(Frames& frames, std::uint8_t what, std::uint8_t which, std::size_t where,
            std::uint8_t value) {
    std::string& frame = frame_of(frames, which);
    const std::size_t place = frame.empty() ? 0 : where % frame.size();
    const auto byte = static_cast<char>(value);
    switch (what % 6) {
        case 0:
            if (!frame.empty()) frame[place] = static_cast<char>(frame[place] ^ byte);
            return;
        case 1:
            frame.erase(place, value);
            return;
        case 2:
            frame.insert(place, 1, byte);
            return;
        case 3:
            if (frame.size() < 10'000) frame.append(frame.substr(place));
            return;
        case 4: {
            Frames other = world().runs[value % world().runs.size()].frames;
            frame = frame_of(other, which);
            return;
        }
        default: {
            const auto digests = digests_of(frames.topic, frames.contents);
            if (!digests.empty()) frames = support::alone(frames, value % digests.size());
        }
    }
}

Frames frames_of(signing::WireReader input) {
    const std::uint8_t first = input.u8();
    if (first == 255) {
        Frames frames;
        frames.topic = input.bytes(input.u8());
        const std::size_t high = input.u8();
        frames.contents = input.bytes(high << 8 | input.u8());
        frames.proof = input.bytes(input.remaining());
        return frames;
    }
    Frames frames = world().runs[first % world().runs.size()].frames;
    while (input.remaining() >= 5) {
        const std::uint8_t what = input.u8(), which = input.u8(), high = input.u8();
        const std::size_t where = static_cast<std::size_t>(high << 8 | input.u8());
        change(frames, what, which, where, input.u8());
    }
    return frames;
}

/// The genuine run that these frames are; null if nobody signed them.
const Genuine* signed_as(const Frames& frames) {
    const auto digests = digests_of(frames.topic, frames.contents);
    if (digests.empty()) return nullptr;
    for (const Genuine& run : world().runs) {
        if (frames.topic == run.frames.topic && frames.proof == run.frames.proof &&
            digests == run.digests) {
            return &run;
        }
    }
    return nullptr;
}

void check_refused(const signing::VerifiedRun& run) {
    assert(!run.verified && run.signer == nullptr && run.items.empty());
}

void check_accepted(const signing::VerifiedRun& run, const Genuine& genuine) {
    assert(run.kind == genuine.kind && run.signer != nullptr);
    assert(run.items.size() == genuine.digests.size());
    for (std::size_t i = 0; i < run.items.size(); ++i) {
        assert(run.items[i].digest == genuine.digests[i]);
        assert(!run.items[i].present ||
               signing::message_digest(genuine.frames.topic, run.items[i].content) ==
                   genuine.digests[i]);
    }
}

}  // namespace

void verifier(std::string_view input) {
    const Frames frames = frames_of(signing::WireReader(input));
    const Genuine* genuine = signed_as(frames);
    const signing::Peer peer{"tcp://10.0.0.1:9940", 1'000'000'000};
    signing::VerifiedRun run;

    // A verifier that knows nobody yet, and one that has seen everything before.
    signing::Verifier cold(world().trust, signing::Verifier::Mode::validate);
    for (signing::Verifier* each : {&cold, &world().warm}) {
        const auto result = each->verify(frames.view(), peer, fixed_now, 0, run);
        assert(result.has_value() == (genuine != nullptr && genuine->may_speak));
        if (!result) {
            check_refused(run);
            continue;
        }
        assert(run.verified);
        check_accepted(run, *genuine);
    }

    // `validate: false` takes what is signed by anybody, unaltered, and what is not signed.
    signing::Verifier trusting(nullptr, signing::Verifier::Mode::integrity);
    const auto result = trusting.verify(frames.view(), peer, fixed_now, 0, run);
    const bool is_unsigned =
        frames.proof.empty() && signing::topic_error(frames.topic).empty() &&
        !digests_of(frames.topic, frames.contents).empty() &&
        digests_of(frames.topic, frames.contents).size() <= signing::run_messages_max;
    assert(!run.verified);
    // The CA's signature on a certificate is not looked at in this mode.
    if (genuine != nullptr || is_unsigned) assert(result.has_value());
    if (!result) check_refused(run);
    if (result && genuine != nullptr) check_accepted(run, *genuine);
    if (result && frames.proof.empty()) assert(is_unsigned && run.signer == nullptr);
}

}  // namespace weft::fuzz
