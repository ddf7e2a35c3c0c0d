#pragma once
// After which id a topic has had nothing: what most polls are answered by, without the journal.
//
// Told of what is stored from an id on. It may think that there is something where there is
// nothing, never the other way round: a topic that it has forgotten may have got messages up to the
// newest id that it has forgotten.
//
// Threads: none of its own, not synchronised. Limits: topics_max; a question about a glob with
// wildcards looks at looked_at_max topics.

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "reliability/journal/journal.hpp"

namespace weft::gateway {

class NewestIds {
public:
    static constexpr std::size_t topics_max = 16'384, looked_at_max = 512;

    /// Knows nothing of what was stored up to `head`.
    explicit NewestIds(reliability::JournalId head) : floor_(head) {}

    /// A topic got messages, the newest of which is `last`; ids rise from call to call.
    void stored(std::string_view topic, reliability::JournalId last);
    /// Anything may have been stored up to this id.
    void forget(reliability::JournalId last);

    /// False: nothing that matches was stored after the id.
    [[nodiscard]] bool may_have(reliability::JournalId after,
                                const reliability::TopicFilter& filter) const;

private:
    using JournalId = reliability::JournalId;
    struct Stored {
        std::string topic;
        JournalId last;
    };
    using Order = std::list<Stored>;

    [[nodiscard]] bool may_have(JournalId after, const signing::TopicGlob& glob) const;

    Order order_;  ///< By rising ids.
    std::unordered_map<std::string_view, Order::iterator> topics_;
    JournalId floor_;  ///< topics_ has all that was stored after it.
};

}  // namespace weft::gateway
