#include "reliability/journal/lineage.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "fabric/message/codec.hpp"

namespace weft::reliability {
namespace {

using fabric::MessageId;

constexpr std::size_t children_at_a_time = 1000;

/// A content that cannot be decoded has no id and no parent: what a journal has was verified, not
/// understood.
Relative relative(StoredMessage stored, std::size_t depth) {
    Relative found;
    found.depth = depth;
    fabric::DecodedContent content;
    if (fabric::decode_content(stored.content, content)) {
        found.id = content.header.id;
        found.parent = content.header.parent.value_or(MessageId{});
    }
    found.stored = std::move(stored);
    return found;
}

JournalResult<std::optional<Relative>> find_relative(Journal& journal, const MessageId& id,
                                                     std::size_t depth) {
    const auto number = journal.find(id);
    if (!number) return tl::make_unexpected(number.error());
    if (!*number) return std::optional<Relative>{};
    auto stored = read_message(journal, **number);
    if (!stored) return tl::make_unexpected(stored.error());
    if (!*stored) return std::optional<Relative>{};
    return std::optional<Relative>{relative(std::move(**stored), depth)};
}

std::size_t bytes_of(const StoredMessage& stored) {
    return stored.run.topic.size() + stored.run.contents.size() + stored.run.proof.size();
}

/// Appends the children of one message, until there are `messages` or `bytes` are too many.
JournalResult<void> add_children(Journal& journal, const MessageId& id, std::size_t depth,
                                 std::size_t messages, std::size_t& bytes,
                                 std::unordered_set<MessageId>& seen, Lineage& lineage) {
    JournalId after = 0;
    while (true) {
        const auto ids = journal.children(id, after, children_at_a_time);
        if (!ids) return tl::make_unexpected(ids.error());
        for (const JournalId number : *ids) {
            auto stored = read_message(journal, number);
            if (!stored) return tl::make_unexpected(stored.error());
            if (!*stored) continue;  // trimmed meanwhile
            bytes += bytes_of(**stored);
            if (lineage.relatives.size() >= messages || bytes > lineage_bytes_max) {
                lineage.cut = true;
                return {};
            }
            Relative child = relative(std::move(**stored), depth);
            if (!seen.insert(child.id).second) {
                lineage.circle = true;
                continue;
            }
            lineage.relatives.push_back(std::move(child));
        }
        if (ids->size() < children_at_a_time) return {};
        after = ids->back();
    }
}

}  // namespace

JournalResult<Lineage> ancestors(Journal& journal, const MessageId& id, std::size_t depth) {
    depth = std::min(depth, lineage_depth_max);
    auto current = find_relative(journal, id, 0);
    if (!current) return tl::make_unexpected(current.error());
    if (!*current) {
        return tl::make_unexpected(
            JournalError{JournalError::Reason::not_found,
                         "message " + id.text() + " is not in the journal, or not any more"});
    }
    Lineage lineage;
    std::unordered_set<MessageId> seen{id};
    MessageId parent = (*current)->parent;
    std::size_t bytes = 0;
    while (!parent.is_none()) {
        if (!seen.insert(parent).second) {
            lineage.circle = true;
            break;
        }
        if (lineage.relatives.size() >= depth || bytes > lineage_bytes_max) {
            lineage.cut = true;
            break;
        }
        const std::size_t steps = lineage.relatives.size() + 1;
        auto found = find_relative(journal, parent, steps);
        if (!found) return tl::make_unexpected(found.error());
        if (!*found) {
            lineage.relatives.push_back({.id = parent, .parent = {}, .depth = steps});
            break;
        }
        parent = (*found)->parent;
        bytes += bytes_of(*(*found)->stored);
        lineage.relatives.push_back(std::move(**found));
    }
    return lineage;
}

JournalResult<Lineage> descendants(Journal& journal, const MessageId& id, std::size_t depth,
                                   std::size_t messages) {
    depth = std::min(depth, lineage_depth_max);
    messages = std::min(messages, lineage_messages_max);
    // Depth first, without recursion: a child's own children stand right behind it.
    struct Open {
        MessageId of;
        std::size_t depth;
        std::optional<Relative> self;
    };
    Lineage lineage;
    std::size_t bytes = 0;
    std::unordered_set<MessageId> seen{id};
    std::vector<Open> open;
    open.push_back({id, 0, {}});
    while (!open.empty()) {
        Open next = std::move(open.back());
        open.pop_back();
        if (next.self) lineage.relatives.push_back(std::move(*next.self));
        if (next.depth >= depth) {
            const auto more = journal.children(next.of, 0, 1);
            if (!more) return tl::make_unexpected(more.error());
            lineage.cut = lineage.cut || !more->empty();
            continue;
        }
        Lineage below;
        const std::size_t room = messages - std::min(messages, seen.size() - 1);
        auto added = add_children(journal, next.of, next.depth + 1, room, bytes, seen, below);
        if (!added) return tl::make_unexpected(added.error());
        lineage.cut = lineage.cut || below.cut;
        lineage.circle = lineage.circle || below.circle;
        for (auto child = below.relatives.rbegin(); child != below.relatives.rend(); ++child) {
            const MessageId of = child->id;
            open.push_back({of, next.depth + 1, std::move(*child)});
        }
    }
    return lineage;
}

JournalResult<Lineage> children(Journal& journal, const MessageId& id, std::size_t messages) {
    Lineage lineage;
    std::unordered_set<MessageId> seen{id};
    std::size_t bytes = 0;
    auto added = add_children(journal, id, 1, std::min(messages, lineage_messages_max), bytes, seen,
                              lineage);
    if (!added) return tl::make_unexpected(added.error());
    return lineage;
}

}  // namespace weft::reliability
