#pragma once
// What the files of GroupService share; not for others.
// Threads: a Group is guarded by its mutex.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "reliability/cursor/group_service.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {

struct GroupService::Group {
    Group(Cursor the_record, ConsumerGroup the_state)
        : record(std::move(the_record)), state(std::move(the_state)), filter(record.filter()) {}

    std::mutex mutex;
    std::condition_variable turn;
    Cursor record;
    ConsumerGroup state;
    TopicFilter filter;
    bool record_changed = false;
    bool removed = false;
    std::optional<JournalGap> untold;

    // Writing: one thread at a time writes for all that asked before it began.
    bool writing = false;
    std::uint64_t asked = 0, written = 0, sync_asked = 0;
};

struct GroupService::Held {
    std::shared_ptr<Group> group;
    std::unique_lock<std::mutex> lock;
};

namespace group_parts {

[[nodiscard]] inline tl::unexpected<JournalError> failed(JournalError::Reason reason,
                                                         std::string sentence) {
    return tl::make_unexpected(JournalError{reason, std::move(sentence)});
}
[[nodiscard]] inline std::string the_group(std::string_view name) {
    return "group '" + signing::escape(name, 80) + "'";
}

}  // namespace group_parts
}  // namespace weft::reliability
