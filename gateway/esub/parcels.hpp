#pragma once
// The messages of one psub member, from their coming to their being done: which may be sent now,
// which are done, and what is left for others when the member goes. A parcel is done when it was
// written, or in receipt mode when the client confirmed it after that; one at a time is out then.
// Pure state machine; `now` comes in. Threads: one at a time.

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/elsewhere.hpp"

namespace weft::gateway::esub {

struct Parcel {
    SharedBytes bytes;
    OnVerdict done{};  ///< Empty: its reply was answered before.
    std::uint64_t pool = 0;
};

class Parcels {
public:
    struct Rules {
        bool confirm = false;
        bool keep_last = false;  ///< What was written last may be lost with the member.
        fabric::Instant receipt_time{};
    };
    explicit Parcels(Rules rules) : rules_(rules) {}

    void add(Parcel parcel) { waiting_.push_back(std::move(parcel)); }

    /// What is to be sent now; nothing: what is out has to be done first.
    [[nodiscard]] SharedBytes next(fabric::Instant now) {
        if (waiting_.empty() || out_.size() >= (rules_.confirm ? 1 : out_max)) return nullptr;
        if (!out_.empty() && out_bytes_ >= out_bytes_max) return nullptr;
        out_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        out_bytes_ += out_.back().bytes->size();
        is_written_ = false;
        due_ = now + rules_.receipt_time;
        return out_.back().bytes;
    }
    /// The oldest that is out was written; gives whom to tell that it is done.
    [[nodiscard]] std::optional<Parcel> on_written() {
        if (out_.empty()) return std::nullopt;
        if (!rules_.confirm) return finish();
        is_written_ = true;
        return std::nullopt;
    }
    /// Receipt mode: the client said something. It counts after the parcel was written alone.
    [[nodiscard]] std::optional<Parcel> on_receipt() {
        if (!rules_.confirm || out_.empty() || !is_written_) return std::nullopt;
        return finish();
    }
    /// Receipt mode: what is out was not confirmed in time.
    [[nodiscard]] bool is_overdue(fabric::Instant now) const noexcept {
        return rules_.confirm && !out_.empty() && now >= due_;
    }
    /// Everything that others should get, in its order. After an orderly end the client has read
    /// what was written.
    [[nodiscard]] std::vector<Parcel> take_all(bool orderly) {
        std::vector<Parcel> all;
        if (last_ && !orderly) all.push_back(std::move(*last_));
        for (Parcel& parcel : out_) all.push_back(std::move(parcel));
        for (Parcel& parcel : waiting_) all.push_back(std::move(parcel));
        last_.reset();
        out_.clear();
        waiting_.clear();
        return all;
    }

private:
    static constexpr std::size_t out_max = 64, out_bytes_max = std::size_t{256} << 10U;

    Parcel finish() {
        Parcel parcel = std::move(out_.front());
        out_.pop_front();
        out_bytes_ -= parcel.bytes->size();
        is_written_ = false;
        if (rules_.keep_last) last_ = Parcel{parcel.bytes, {}, parcel.pool};
        return parcel;
    }

    const Rules rules_;
    std::deque<Parcel> waiting_, out_;
    std::optional<Parcel> last_;
    std::size_t out_bytes_ = 0;
    bool is_written_ = false;
    fabric::Instant due_{};
};

}  // namespace weft::gateway::esub
