// Operations that change nothing: anybody may ask them.

#include <algorithm>

#include "reliability/service/field_codec.hpp"
#include "reliability/service/operations.hpp"

namespace weft::reliability {
namespace {

/// Once for all: an operation that answers at once.
template <class Handle>
OperationEntry at_once(Operation operation, Handle handle) {
    return {static_cast<std::uint64_t>(operation), Right::anybody,
            [handle](Asked asked, OperationContext& context, Reply reply) {
                reply(handle(asked, context));
            }};
}

OperationResult failed(JournalError error) {
    return tl::make_unexpected(std::move(error));
}

OperationResult page_of(JournalResult<Page> page) {
    if (!page) return failed(std::move(page.error()));
    Packer out;
    write_page(out, *page);
    return Fields{page_fields, out.take()};
}

OperationResult one_number(JournalResult<std::uint64_t> number) {
    if (!number) return failed(std::move(number.error()));
    return Fields{1, Packer{}.uint(*number).take()};
}

OperationResult info(Asked&, OperationContext& context) {
    Packer out;
    write_info(out, context.journal.info());
    return Fields{info_fields, out.take()};
}

OperationResult read(Asked& asked, OperationContext& context) {
    Position after;
    TopicFilter filter;
    ReadLimits limits;
    if (!read_position(asked.fields, after) || !read_filter(asked.fields, filter) ||
        !read_limits(asked.fields, limits)) {
        return failed(malformed("read: epoch, id, globs or nil, messages, bytes, runs, through"));
    }
    return page_of(context.journal.read(after, filter, limits));
}

OperationResult read_last(Asked& asked, OperationContext& context) {
    Position after;
    TopicFilter filter;
    ReadLimits limits;
    if (!read_position(asked.fields, after) || !read_filter(asked.fields, filter) ||
        !read_limits(asked.fields, limits)) {
        return failed(
            malformed("read_last: epoch, id, globs or nil, messages, bytes, runs, through"));
    }
    return page_of(context.journal.read_last_of_topics(after, filter, limits));
}

OperationResult read_stream(Asked& asked, OperationContext& context) {
    StreamRange range;
    std::string_view signer, topic;
    ReadLimits limits;
    if (!asked.fields.str(signer) || !asked.fields.uint(range.epoch) || !asked.fields.str(topic) ||
        !asked.fields.uint(range.from) || !asked.fields.uint(range.to) ||
        !read_limits(asked.fields, limits)) {
        return failed(malformed(
            "read_stream: signer, epoch, topic, from, to, messages, bytes, runs, through"));
    }
    range.signer = signer;
    range.topic = topic;
    return page_of(context.journal.read_stream(range, limits));
}

OperationResult id_at(Asked& asked, OperationContext& context) {
    std::uint64_t stored_us = 0;
    if (!asked.fields.uint(stored_us)) return failed(malformed("id_at: time in microseconds"));
    return one_number(context.journal.id_at(stored_us));
}

OperationResult find(Asked& asked, OperationContext& context) {
    fabric::MessageId id;
    if (!read_message_id(asked.fields, id)) return failed(malformed("find: id (16 bytes)"));
    const auto found = context.journal.find(id);
    if (!found) return failed(found.error());
    Packer out;
    *found ? out.uint(**found) : out.nil();
    return Fields{1, out.take()};
}

OperationResult children(Asked& asked, OperationContext& context) {
    fabric::MessageId parent;
    std::uint64_t after = 0, limit = 0;
    if (!read_message_id(asked.fields, parent) || !asked.fields.uint(after) ||
        !asked.fields.uint(limit)) {
        return failed(malformed("children: id (16 bytes), after, limit"));
    }
    limit = std::min(limit, page_messages_max);
    const auto ids = context.journal.children(parent, after, static_cast<std::size_t>(limit));
    if (!ids) return failed(ids.error());
    Packer out;
    write_ids(out, *ids);
    return Fields{1, out.take()};
}

OperationResult low_for_bytes(Asked& asked, OperationContext& context) {
    std::uint64_t bytes = 0;
    if (!asked.fields.uint(bytes)) return failed(malformed("low_for_bytes: bytes"));
    return one_number(context.journal.low_for_bytes(bytes));
}

}  // namespace

JournalError malformed(std::string_view what) {
    return {JournalError::Reason::invalid,
            "the fields of the request cannot be read; they must be those of " + std::string{what}};
}

std::vector<OperationEntry> reading_operations() {
    return {at_once(Operation::info, info),
            at_once(Operation::read, read),
            at_once(Operation::read_stream, read_stream),
            at_once(Operation::read_last, read_last),
            at_once(Operation::id_at, id_at),
            at_once(Operation::find, find),
            at_once(Operation::children, children),
            at_once(Operation::low_for_bytes, low_for_bytes)};
}

std::vector<OperationEntry> all_operations() {
    std::vector<OperationEntry> all = reading_operations();
    for (const auto& family : {writing_operations(), state_operations(), lineage_operations()}) {
        all.insert(all.end(), family.begin(), family.end());
    }
    return all;
}

}  // namespace weft::reliability
