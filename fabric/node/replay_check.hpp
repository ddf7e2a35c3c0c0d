#pragma once
// The replay guard together with its file, as a subscriber uses it: verdicts become refusals with
// their sentences, promises are on disk before a message is handed over.
// Threads: confined to the subscriber's thread, but construction and destruction.
// Errors: what cannot be kept on disk is kept in memory; problem() says so, once.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/node/replay_file.hpp"
#include "fabric/node/replay_guard.hpp"
#include "signing/refusal.hpp"

namespace weft::fabric {

struct ReplaySettings {
    /// False only for who judges repetition by other means.
    bool on = true;
    std::chrono::milliseconds past{std::chrono::minutes{5}};
    std::chrono::milliseconds future{std::chrono::seconds{30}};
    std::filesystem::path directory;  ///< Of the state; empty: memory only.
    std::string kind = "node";        ///< A file name: receivers of one kind share their past.
};

class ReplayCheck {
public:
    /// Reads and locks files.
    ReplayCheck(const ReplaySettings& settings, std::uint64_t now_us);
    /// Writes everything down: a clean stop.
    ~ReplayCheck();
    ReplayCheck(const ReplayCheck&) = delete;
    ReplayCheck& operator=(const ReplayCheck&) = delete;

    struct Result {
        std::optional<signing::Refused> refused;
        bool duplicate = false;     ///< Refused, but only published seconds ago: it came twice.
        std::uint64_t missing = 0;  ///< See ReplayGuard::Judgement.
    };
    /// See ReplayGuard::begin.
    void begin(std::string_view signer, std::string_view topic, std::uint64_t now_us) {
        signer_ = signer;
        now_us_ = now_us;
        guard_.begin(signer, topic, now_us);
    }
    [[nodiscard]] Result judge(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us) {
        const auto judged = guard_.judge(epoch, seq, time_us);
        if (judged.verdict == ReplayGuard::Verdict::accept) return {{}, false, judged.missing};
        return not_accepted(judged, epoch, seq, time_us);
    }
    [[nodiscard]] Result tail(std::uint64_t epoch, std::uint64_t last, std::uint64_t time_us);
    /// See ReplayGuard::had; keeps the promise.
    void had(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us);
    /// Freshness alone.
    [[nodiscard]] Result judge_time(std::uint64_t time_us) const;

    void tick(std::uint64_t now_us);
    /// Something new to warn of, said once; "" most of the time.
    [[nodiscard]] std::string problem();
    [[nodiscard]] const ReplayGuard& guard() const noexcept { return guard_; }
    /// After a kill: until this time what is published may be refused. 0: nothing is unsure.
    [[nodiscard]] std::uint64_t unsure_until_us() const noexcept { return unsure_until_us_; }

private:
    ReplayCheck(const ReplaySettings& settings, std::uint64_t now_us, ReplayFile::Found found);
    [[nodiscard]] Result not_accepted(ReplayGuard::Judgement judged, std::uint64_t epoch,
                                      std::uint64_t seq, std::uint64_t time_us);
    [[nodiscard]] signing::Refused refusal(ReplayGuard::Verdict verdict, std::uint64_t epoch,
                                           std::uint64_t seq, std::uint64_t time_us) const;
    void keep_promise(std::uint64_t time_us);

    std::unique_ptr<ReplayFile> file_;
    ReplayGuard guard_;
    std::string problem_;
    std::uint64_t unsure_until_us_ = 0, next_look_us_ = 0, now_us_ = 0;
    std::string_view signer_;
    bool promised_ = false;  // the file no longer says what it said when it was read
};

}  // namespace weft::fabric
