#pragma once
// The journal of this process with all that belongs to it: what records into it, keeps it within
// its retention, and answers others who ask it (hubs, `weft tail --from`), as `weft journal serve`
// does.
//
// Threads:   every function from any thread; stop() once. Its members have threads of their own.
// Ownership: the fabric outlives it; it owns the journal.
// Errors:    opening says in a sentence what is wrong and what to do.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "fabric/fabric.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/journal/retention_keeper.hpp"
#include "reliability/service/cursor_operations.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/recorder.hpp"
#include "reliability/settings.hpp"

namespace weft::gateway {

class JournalHost {
public:
    using Opened = tl::expected<std::unique_ptr<JournalHost>, std::string>;

    /// Opens the journal of `settings` for writing.
    [[nodiscard]] static tl::expected<std::unique_ptr<reliability::Journal>, std::string>
    open_journal(const fabric::Fabric& fabric, const reliability::Settings& settings);
    [[nodiscard]] static Opened open(fabric::Fabric& fabric, const reliability::Settings& settings,
                                     std::unique_ptr<reliability::Journal> journal,
                                     reliability::RecorderOptions options);
    ~JournalHost();
    JournalHost(const JournalHost&) = delete;
    JournalHost& operator=(const JournalHost&) = delete;

    [[nodiscard]] reliability::Journal& journal() noexcept { return *journal_; }
    /// Until stop_recording().
    [[nodiscard]] reliability::Recorder& recorder() noexcept { return *recorder_; }
    [[nodiscard]] reliability::CursorStore& cursors() noexcept { return *cursors_; }
    [[nodiscard]] reliability::GroupService& groups() noexcept { return *groups_; }
    /// Where others can ask it.
    [[nodiscard]] const std::string& bound() const noexcept { return bound_; }
    /// After a stop: as they were then.
    [[nodiscard]] reliability::RecorderStats recorder_stats() const;
    [[nodiscard]] reliability::JournalServiceStats service_stats() const;
    /// Speaks with a renewed certificate, if there is one. One thread.
    void follow_identity();

    /// Records nothing more; returns once the journal has answered for what was handed to it.
    void stop_recording();
    /// The rest: nobody is answered any more, and the journal is closed.
    void stop();

private:
    JournalHost(fabric::Fabric& fabric, std::unique_ptr<reliability::Journal> journal)
        : fabric_(fabric), journal_(std::move(journal)) {}
    [[nodiscard]] tl::expected<void, std::string> begin(const reliability::Settings& settings,
                                                        reliability::RecorderOptions options);

    fabric::Fabric& fabric_;
    const std::unique_ptr<reliability::Journal> journal_;
    std::uint64_t generation_ = 0;
    std::unique_ptr<reliability::Recorder> recorder_;
    std::unique_ptr<reliability::CursorStore> cursors_;
    std::unique_ptr<reliability::GroupService> groups_;
    std::unique_ptr<reliability::CursorOperations> cursor_operations_;
    std::string bound_;
    std::unique_ptr<reliability::JournalService> service_;
    std::unique_ptr<reliability::RetentionKeeper> keeper_;
    std::unique_ptr<reliability::RetentionThread> retention_;

    mutable std::mutex going_;  // held by who asks for counts, and while what has them goes
    reliability::RecorderStats last_recorder_;
    reliability::JournalServiceStats last_service_;
};

}  // namespace weft::gateway
