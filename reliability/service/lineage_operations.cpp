// What caused a message and what it caused: anybody may ask.

#include <algorithm>

#include "reliability/service/field_codec.hpp"
#include "reliability/service/lineage_codec.hpp"
#include "reliability/service/operations.hpp"

namespace weft::reliability {
namespace {

void answer(const JournalResult<Lineage>& lineage, const Reply& reply) {
    if (!lineage) return reply(tl::make_unexpected(lineage.error()));
    Packer out;
    write_family(out, family_of(*lineage));
    reply(Fields{family_fields, out.take()});
}

void ask_ancestors(Asked asked, OperationContext& context, const Reply& reply) {
    fabric::MessageId id;
    std::uint64_t depth = 0;
    if (!read_message_id(asked.fields, id) || !asked.fields.uint(depth)) {
        return reply(tl::make_unexpected(malformed("ancestors: id (16 bytes), depth")));
    }
    depth = std::min<std::uint64_t>(depth, lineage_depth_max);
    answer(ancestors(context.journal, id, static_cast<std::size_t>(depth)), reply);
}

void ask_descendants(Asked asked, OperationContext& context, const Reply& reply) {
    fabric::MessageId id;
    std::uint64_t depth = 0, messages = 0;
    if (!read_message_id(asked.fields, id) || !asked.fields.uint(depth) ||
        !asked.fields.uint(messages)) {
        return reply(tl::make_unexpected(malformed("descendants: id (16 bytes), depth, messages")));
    }
    depth = std::min<std::uint64_t>(depth, lineage_depth_max);
    messages = std::min<std::uint64_t>(messages, family_messages_max);
    answer(descendants(context.journal, id, static_cast<std::size_t>(depth),
                       static_cast<std::size_t>(messages)),
           reply);
}

}  // namespace

std::vector<OperationEntry> lineage_operations() {
    return {{static_cast<std::uint64_t>(Operation::ancestors), Right::anybody, ask_ancestors},
            {static_cast<std::uint64_t>(Operation::descendants), Right::anybody, ask_descendants}};
}

}  // namespace weft::reliability
