// The small state beside a journal, raw: for its keepers only.

#include <algorithm>

#include "reliability/service/field_codec.hpp"
#include "reliability/service/operations.hpp"

namespace weft::reliability {
namespace {

constexpr std::uint64_t entries_max = 10'000;

void get(Asked asked, OperationContext& context, const Reply& reply) {
    std::string_view key;
    if (!asked.fields.bin(key)) return reply(tl::make_unexpected(malformed("state_get: key")));
    const auto value = context.journal.state().get(key);
    if (!value) return reply(tl::make_unexpected(value.error()));
    Packer out;
    *value ? out.bin(**value) : out.nil();
    reply(Fields{1, out.take()});
}

/// As many entries as fit into an answer, at least one; 1 if there are more.
void list(Asked asked, OperationContext& context, const Reply& reply) {
    std::string_view prefix, after;
    std::uint64_t limit = 0;
    if (!asked.fields.bin(prefix) || !asked.fields.bin(after) || !asked.fields.uint(limit)) {
        return reply(tl::make_unexpected(malformed("state_list: prefix, after, limit")));
    }
    limit = std::min(limit, entries_max);
    Packer entries;
    std::size_t count = 0;
    std::string last{after};
    // A few at a time: each value may have a mebibyte.
    bool more = true;
    while (more && count < limit && entries.bytes().size() < page_bytes_max) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(limit - count, 16));
        const auto some = context.journal.state().list(prefix, last, wanted);
        if (!some) return reply(tl::make_unexpected(some.error()));
        more = some->size() == wanted;
        for (const auto& [key, value] : *some) {
            if (count > 0 && entries.bytes().size() + value.size() > page_bytes_max) {
                more = true;
                break;
            }
            entries.array(2).bin(key).bin(value);
            ++count;
            last = key;
        }
        if (more && count > 0 && !some->empty() && last != some->back().first) break;
    }
    reply(Fields{2, Packer{}.uint(more ? 1 : 0).array(count).raw(entries.bytes()).take()});
}

bool read_changes(fabric::MsgpackReader& in, std::vector<StateChange>& changes) {
    std::uint64_t count = 0;
    if (!in.array_head(count)) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t two = 0;
        std::string_view key, value;
        if (!in.array_head(two) || two != 2 || !in.bin(key)) return false;
        StateChange& change = changes.emplace_back(StateChange{std::string{key}, std::nullopt});
        if (in.nil()) continue;
        if (!in.bin(value)) return false;
        change.value = value;
    }
    return true;
}

void apply(Asked asked, OperationContext& context, const Reply& reply) {
    std::uint64_t lazy = 0;
    std::vector<StateChange> changes;
    if (!asked.fields.uint(lazy) || lazy > 1 || !read_changes(asked.fields, changes)) {
        return reply(tl::make_unexpected(
            malformed("state_apply: 0 for sync or 1 for lazy, array of [key, value or nil]")));
    }
    const auto applied = context.journal.state().apply(
        changes, lazy == 1 ? StateStore::Durability::lazy : StateStore::Durability::sync);
    if (!applied) return reply(tl::make_unexpected(applied.error()));
    reply(Fields{});
}

}  // namespace

std::vector<OperationEntry> state_operations() {
    return {{static_cast<std::uint64_t>(Operation::state_get), Right::keeper, get},
            {static_cast<std::uint64_t>(Operation::state_list), Right::keeper, list},
            {static_cast<std::uint64_t>(Operation::state_apply), Right::keeper, apply}};
}

}  // namespace weft::reliability
