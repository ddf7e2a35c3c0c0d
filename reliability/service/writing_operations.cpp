// Operations that change the log: trim, expire, and submit, which is submission.hpp's.

#include "reliability/service/field_codec.hpp"
#include "reliability/service/operations.hpp"
#include "reliability/service/submission.hpp"

namespace weft::reliability {
namespace {

void trim(Asked asked, OperationContext& context, const Reply& reply) {
    std::uint64_t low = 0;
    if (!asked.fields.uint(low)) return reply(tl::make_unexpected(malformed("trim: low")));
    const auto trimmed = context.journal.trim(low);
    if (!trimmed) return reply(tl::make_unexpected(trimmed.error()));
    reply(Fields{1, Packer{}.uint(*trimmed).take()});
}

void expire(Asked asked, OperationContext& context, const Reply& reply) {
    Position after;
    TopicFilter filter;
    std::uint64_t stored_us = 0;
    ReadLimits limits;
    if (!read_position(asked.fields, after) || !read_filter(asked.fields, filter) ||
        !asked.fields.uint(stored_us) || !read_limits(asked.fields, limits)) {
        return reply(tl::make_unexpected(
            malformed("expire: epoch, id, globs or nil, time, messages, bytes, runs, through")));
    }
    const auto expired = context.journal.expire(after, filter, stored_us, limits);
    if (!expired) return reply(tl::make_unexpected(expired.error()));
    Packer out;
    out.uint(expired->messages);
    write_position(out, expired->next);
    reply(Fields{4, out.uint(expired->done ? 1 : 0).take()});
}

}  // namespace

std::vector<OperationEntry> writing_operations() {
    return {{static_cast<std::uint64_t>(Operation::submit), Right::writer, submit},
            {static_cast<std::uint64_t>(Operation::trim), Right::keeper, trim},
            {static_cast<std::uint64_t>(Operation::expire), Right::keeper, expire}};
}

}  // namespace weft::reliability
