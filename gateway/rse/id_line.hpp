#pragma once
// The ids of RSE: those of the journal, carried on where a journal was made anew. A client knows
// one number; if ids began again it would hear nothing until they had caught up with it (R150).
//
// A small file beside the journal says which journal the ids are of, what is added to its ids, and
// a mark that no id has passed: the next journal begins there. The mark is written ahead, step ids
// at a time, so that it holds after kill -9 too.
//
// Threads: any. Errors: sentences. Limits: one write and fsync each `step` ids, in the thread that
// is first to need it.

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>

#include "reliability/journal/journal.hpp"

namespace weft::gateway::rse {

class IdLine {
public:
    static constexpr std::uint64_t step = 1'000'000;

    /// The journal's own ids, and no file.
    IdLine() = default;
    /// `file` need not be there: then this is the first journal, and its ids are used as they are.
    [[nodiscard]] static tl::expected<std::shared_ptr<IdLine>, std::string> open(
        std::filesystem::path file, const reliability::JournalInfo& journal);

    /// What clients call it. From here on the next journal begins after it.
    [[nodiscard]] reliability::JournalId id_of(reliability::JournalId in_journal);
    /// 0: it is from a former journal, so that everything of this one follows it.
    [[nodiscard]] reliability::JournalId in_journal(reliability::JournalId id) const noexcept {
        return id > base_ ? id - base_ : 0;
    }

private:
    [[nodiscard]] tl::expected<void, std::string> write(std::uint64_t mark);

    std::filesystem::path file_;
    reliability::JournalEpoch epoch_ = 0;
    std::uint64_t base_ = 0;
    std::atomic<std::uint64_t> mark_{UINT64_MAX};
    std::mutex writing_;
};

}  // namespace weft::gateway::rse
