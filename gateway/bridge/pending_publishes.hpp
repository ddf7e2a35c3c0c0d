#pragma once
// Durable publishes that are on their way: published on the fabric, and not yet on the disk of our
// own journal. A state machine: no I/O, no clock; time comes in.
//
// How:     a publish is opened before it leaves, found by its message id when the journal has
//          answered, sent again (the same bytes) while it has not, and given up at its deadline.
// Threads: not synchronised.
// Limits:  PendingLimits; beyond them open() says no.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "fabric/transport/clock.hpp"
#include "signing/digest.hpp"

namespace weft::gateway {

struct PendingLimits {
    std::size_t publishes = 16'384;
    std::size_t bytes = std::size_t{64} << 20;  ///< Of contents, kept to be sent again.
    std::chrono::milliseconds timeout{5000};
    /// What has not come back after so long is sent again: a relay that restarts loses messages.
    std::chrono::milliseconds send_again{1000};
};

/// As it was sealed.
struct SealedBytes {
    std::string topic, content;
    signing::Digest digest{};
};

template <class Done>
class PendingPublishes {
public:
    struct Ended {
        fabric::MessageId id;
        Done done;
    };

    explicit PendingPublishes(const PendingLimits& limits) : limits_(limits) {}

    /// Room for one more of so many bytes. Held until the publish has ended, or release().
    [[nodiscard]] bool hold(std::size_t content_bytes) {
        if (held_ >= limits_.publishes || (held_ > 0 && bytes_ + content_bytes > limits_.bytes)) {
            return false;
        }
        ++held_;
        bytes_ += content_bytes;
        return true;
    }
    void release(std::size_t content_bytes) {
        --held_;
        bytes_ -= content_bytes;
    }

    /// In room that is held.
    void open(const fabric::MessageId& id, std::shared_ptr<const SealedBytes> sealed, Done done,
              fabric::Instant now) {
        open_.emplace(id, Open{std::move(sealed), std::move(done), now + limits_.timeout});
        compact(deadlines_);
        compact(again_);
        deadlines_.push_back({now + limits_.timeout, id});
        again_.push_back({now + limits_.send_again, id});
    }
    [[nodiscard]] bool contains(const fabric::MessageId& id) const { return open_.contains(id); }
    /// It has ended; nothing if it had before.
    [[nodiscard]] std::optional<Done> take(const fabric::MessageId& id) {
        const auto found = open_.find(id);
        if (found == open_.end()) return std::nullopt;
        std::optional<Done> done = std::move(found->second.done);
        release(found->second.sealed->content.size());
        open_.erase(found);
        return done;
    }
    [[nodiscard]] std::vector<Ended> take_all() {
        std::vector<Ended> all;
        while (!open_.empty()) {
            const fabric::MessageId id = open_.begin()->first;
            all.push_back({id, std::move(*take(id))});
        }
        deadlines_.clear();
        again_.clear();
        return all;
    }

    /// What is to be sent again now, and what has passed its deadline.
    void tick(fabric::Instant now, std::vector<std::shared_ptr<const SealedBytes>>& again,
              std::vector<Ended>& expired) {
        while (!deadlines_.empty() && deadlines_.front().at <= now) {
            const fabric::MessageId id = deadlines_.front().id;
            deadlines_.pop_front();
            if (auto done = take(id)) expired.push_back({id, std::move(*done)});
        }
        // Those that are put back are due later than now.
        while (!again_.empty() && again_.front().at <= now) {
            const fabric::MessageId id = again_.front().id;
            again_.pop_front();
            const auto found = open_.find(id);
            if (found == open_.end()) continue;
            again.push_back(found->second.sealed);
            if (now + limits_.send_again < found->second.deadline) {
                again_.push_back({now + limits_.send_again, id});
            }
        }
        drop_ended(deadlines_);
        drop_ended(again_);
    }
    /// When tick() has something to do.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const {
        std::optional<fabric::Instant> due;
        for (const auto* queue : {&deadlines_, &again_}) {
            if (!queue->empty() && (!due || queue->front().at < *due)) due = queue->front().at;
        }
        return due;
    }
    [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

private:
    struct Open {
        std::shared_ptr<const SealedBytes> sealed;
        Done done;
        fabric::Instant deadline;
    };
    struct Due {
        fabric::Instant at;
        fabric::MessageId id;
    };
    /// Most end long before they are due.
    void drop_ended(std::deque<Due>& queue) {
        while (!queue.empty() && !open_.contains(queue.front().id)) queue.pop_front();
    }

    /// One that takes its time keeps those behind it from being dropped.
    void compact(std::deque<Due>& queue) {
        if (queue.size() < 4 * limits_.publishes) return;
        std::erase_if(queue, [this](const Due& due) { return !open_.contains(due.id); });
    }

    const PendingLimits limits_;
    std::unordered_map<fabric::MessageId, Open> open_;
    std::deque<Due> deadlines_, again_;  // rising
    std::size_t held_ = 0, bytes_ = 0;
};

}  // namespace weft::gateway
