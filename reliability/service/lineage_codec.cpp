#include "reliability/service/lineage_codec.hpp"

#include <utility>

#include "reliability/service/field_codec.hpp"
#include "signing/certificate.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

using fabric::MsgpackReader;

std::string signer_of(std::string_view proof) {
    const auto fields = signing::read_proof(proof);
    if (!fields) return "";
    const auto certificate = signing::Certificate::read_unverified(fields->certificate);
    return certificate ? (*certificate)->name() : "";
}

bool read_array(MsgpackReader& in, std::uint64_t wanted) {
    std::uint64_t count = 0;
    return in.array_head(count) && count == wanted;
}

bool read_flag(MsgpackReader& in, bool& flag) {
    std::uint64_t number = 0;
    if (!in.uint(number) || number > 1) return false;
    flag = number == 1;
    return true;
}

bool read_stored(MsgpackReader& in, std::optional<FamilyMember::Stored>& stored) {
    stored.reset();
    if (in.nil()) return true;
    FamilyMember::Stored read;
    std::string_view topic, signer;
    if (!read_array(in, 4) || !in.uint(read.journal_id) || !in.uint(read.stored_us) ||
        !in.str(topic) || !in.str(signer)) {
        return false;
    }
    read.topic = topic;
    read.signer = signer;
    stored = std::move(read);
    return true;
}

bool read_member(MsgpackReader& in, FamilyMember& member) {
    if (!read_array(in, 4) || !read_message_id(in, member.id)) return false;
    member.parent = {};
    if (!in.nil() && !read_message_id(in, member.parent)) return false;
    return in.uint(member.depth) && member.depth <= lineage_depth_max &&
           read_stored(in, member.stored);
}

}  // namespace

Family family_of(const Lineage& lineage) {
    Family family;
    family.cut = lineage.cut;
    family.circle = lineage.circle;
    for (const Relative& relative : lineage.relatives) {
        FamilyMember& member =
            family.members.emplace_back(FamilyMember{relative.id, relative.parent, relative.depth});
        if (!relative.stored) continue;
        const StoredRun& run = relative.stored->run;
        member.stored = FamilyMember::Stored{relative.stored->id(), run.stored_us,
                                             std::string{run.topic}, signer_of(run.proof)};
    }
    return family;
}

void write_family(Packer& out, const Family& family) {
    out.uint(family.cut ? 1 : 0).uint(family.circle ? 1 : 0).array(family.members.size());
    for (const FamilyMember& member : family.members) {
        out.array(4).bin(member.id.bytes());
        member.parent.is_none() ? out.nil() : out.bin(member.parent.bytes());
        out.uint(member.depth);
        if (!member.stored) {
            out.nil();
            continue;
        }
        out.array(4).uint(member.stored->journal_id).uint(member.stored->stored_us);
        out.str(member.stored->topic).str(member.stored->signer);
    }
}

bool read_family(MsgpackReader& in, Family& family) {
    std::uint64_t count = 0;
    family = {};
    if (!read_flag(in, family.cut) || !read_flag(in, family.circle) || !in.array_head(count)) {
        return false;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_member(in, family.members.emplace_back())) return false;
    }
    return true;
}

}  // namespace weft::reliability
