#pragma once
// A family of messages as a journal tells it: without the messages, which whoever wants them reads
// by their ids.
// Threads: pure functions. Errors: as in field_codec.hpp.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/message/msgpack_read.hpp"
#include "reliability/journal/lineage.hpp"
#include "reliability/service/packer.hpp"

namespace weft::reliability {

/// What one answer holds at most.
inline constexpr std::size_t family_messages_max = 1000;

struct FamilyMember {
    /// What is there of it.
    struct Stored {
        JournalId journal_id = 0;
        std::uint64_t stored_us = 0;
        std::string topic;
        std::string signer;  ///< On the certificate that it brings; "": unsigned.
        friend bool operator==(const Stored&, const Stored&) = default;
    };
    fabric::MessageId id;
    fabric::MessageId parent;  ///< None: it has none, or it is not known.
    std::uint64_t depth = 0;   ///< Steps from the message that was asked about, from 1.
    std::optional<Stored> stored{};
    friend bool operator==(const FamilyMember&, const FamilyMember&) = default;
};

struct Family {
    std::vector<FamilyMember> members;  ///< In the order of Lineage.
    bool cut = false, circle = false;   ///< As in Lineage.
};

[[nodiscard]] Family family_of(const Lineage& lineage);

/// 1 if cut else 0, 1 if there is a circle else 0, array of [id (bin), nil or parent (bin), depth,
/// nil or [journal id, time stored, topic, signer]].
inline constexpr std::size_t family_fields = 3;
void write_family(Packer& out, const Family& family);
[[nodiscard]] bool read_family(fabric::MsgpackReader& in, Family& family);

}  // namespace weft::reliability
