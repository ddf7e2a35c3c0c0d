#include "fabric/node/replay_state.hpp"

#include "signing/digest.hpp"
#include "signing/wire.hpp"

namespace weft::fabric {
namespace {

// magic, then u32 length of all that follows up to the checksum:
//   u8 closed, boot id (16), u64 horizon, floor, lead, u32 signers, u32 streams
//   signer:  u8 length, name, u64 floor, lead
//   stream:  u32 signer, u64 epoch, u8 length, topic, u64 high, last time, floor, 16 words
// then the checksum: SHA-256 over that.
constexpr std::string_view magic = "WRP1";
constexpr std::size_t checksum_bytes = 32;
constexpr std::size_t head_bytes = 1 + 16 + 3 * 8 + 2 * 4;
constexpr std::size_t signer_bytes_min = 1 + 2 * 8;
constexpr std::size_t stream_bytes_min = 4 + 8 + 1 + 3 * 8 + ReplayState::window / 8;

signing::Digest checksum(std::string_view payload) {
    return signing::TaggedHash("weft1.replay").add(payload).finish();
}

bool read_signers(signing::WireReader& in, std::uint32_t count, ReplayState& state) {
    if (count > in.remaining() / signer_bytes_min) return false;
    state.signers.resize(count);
    for (ReplayState::Signer& signer : state.signers) {
        signer.name = in.bytes(in.u8());
        signer.floor_us = in.u64();
        signer.lead_us = in.u64();
        if (signer.name.empty()) return false;
    }
    return !in.failed();
}

bool read_streams(signing::WireReader& in, std::uint32_t count, ReplayState& state) {
    if (count > in.remaining() / stream_bytes_min) return false;
    state.streams.resize(count);
    for (ReplayState::Stream& stream : state.streams) {
        stream.signer = in.u32();
        stream.epoch = in.u64();
        stream.topic = in.bytes(in.u8());
        stream.high = in.u64();
        stream.last_time_us = in.u64();
        stream.floor_us = in.u64();
        for (std::uint64_t& word : stream.seen) word = in.u64();
        if (stream.signer >= state.signers.size() || stream.topic.empty()) return false;
    }
    return !in.failed() && in.remaining() == 0;
}

}  // namespace

std::string to_bytes(const ReplayState& state) {
    signing::WireWriter out;
    out.u8(state.closed ? 1 : 0).array(state.boot);
    out.u64(state.horizon_us).u64(state.floor_us).u64(state.lead_us);
    out.u32(static_cast<std::uint32_t>(state.signers.size()));
    out.u32(static_cast<std::uint32_t>(state.streams.size()));
    for (const ReplayState::Signer& signer : state.signers) {
        out.u8(static_cast<std::uint8_t>(signer.name.size())).bytes(signer.name);
        out.u64(signer.floor_us).u64(signer.lead_us);
    }
    for (const ReplayState::Stream& stream : state.streams) {
        out.u32(stream.signer).u64(stream.epoch);
        out.u8(static_cast<std::uint8_t>(stream.topic.size())).bytes(stream.topic);
        out.u64(stream.high).u64(stream.last_time_us).u64(stream.floor_us);
        for (const std::uint64_t word : stream.seen) out.u64(word);
    }
    const std::string payload = out.take();
    const signing::Digest sum = checksum(payload);
    signing::WireWriter file;
    file.bytes(magic).u32(static_cast<std::uint32_t>(payload.size())).bytes(payload).array(sum);
    return file.take();
}

std::optional<ReplayState> replay_state_from(std::string_view bytes) {
    signing::WireReader file(bytes);
    if (file.bytes(magic.size()) != magic) return std::nullopt;
    const std::string_view payload = file.bytes(file.u32());
    const std::string_view sum = file.bytes(checksum_bytes);
    if (file.failed() || payload.size() < head_bytes || payload.size() > ReplayState::bytes_max ||
        sum != signing::bytes_of(checksum(payload))) {
        return std::nullopt;
    }
    signing::WireReader in(payload);
    ReplayState state;
    state.closed = in.u8() != 0;
    in.array(state.boot);
    state.horizon_us = in.u64();
    state.floor_us = in.u64();
    state.lead_us = in.u64();
    const std::uint32_t signers = in.u32();
    const std::uint32_t streams = in.u32();
    if (!read_signers(in, signers, state) || !read_streams(in, streams, state)) return std::nullopt;
    return state;
}

}  // namespace weft::fabric
