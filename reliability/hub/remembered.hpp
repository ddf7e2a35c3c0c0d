#pragma once
// What is remembered of messages, by their ids: the newest, within a number and a number of bytes;
// beyond, the oldest are forgotten. What several share (the frames of a run) is counted once.
// Threads: not synchronised. Ownership: a value keeps alive what it says it shares.

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "fabric/message/message_id.hpp"

namespace weft::reliability::hub {

template <class Value>
class Remembered {
public:
    Remembered(std::size_t count_max, std::size_t bytes_max)
        : count_max_(count_max), bytes_max_(bytes_max) {}

    struct Weight {
        std::size_t own = 0;           ///< Bytes of the value alone.
        const void* shared = nullptr;  ///< What it shares with others: the same pointer for all.
        std::size_t shared_bytes = 0;
    };
    /// Nothing happens where the id is there already. Returns how many were forgotten for it.
    std::size_t add(const fabric::MessageId& id, Value value, const Weight& weight) {
        const auto [at, fresh] =
            entries_.try_emplace(id, Entry{std::move(value), weight, order_.end()});
        if (!fresh) return 0;
        at->second.place = order_.insert(order_.end(), id);
        bytes_ += weight.own;
        if (weight.shared != nullptr && ++shared_[weight.shared] == 1) {
            bytes_ += weight.shared_bytes;
        }
        std::size_t forgotten = 0;
        for (; entries_.size() > count_max_ || bytes_ > bytes_max_; ++forgotten) {
            erase(order_.front());
        }
        return forgotten;
    }
    [[nodiscard]] Value* find(const fabric::MessageId& id) {
        const auto at = entries_.find(id);
        return at == entries_.end() ? nullptr : &at->second.value;
    }
    void erase(const fabric::MessageId& id) {
        const auto at = entries_.find(id);
        if (at == entries_.end()) return;
        const Weight weight = at->second.weight;
        order_.erase(at->second.place);
        entries_.erase(at);
        bytes_ -= weight.own;
        if (weight.shared == nullptr) return;
        const auto shared = shared_.find(weight.shared);
        if (--shared->second != 0) return;
        shared_.erase(shared);
        bytes_ -= weight.shared_bytes;
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    struct Entry {
        Value value;
        Weight weight;
        std::list<fabric::MessageId>::iterator place;
    };
    const std::size_t count_max_, bytes_max_;
    std::size_t bytes_ = 0;
    std::unordered_map<fabric::MessageId, Entry> entries_;
    std::list<fabric::MessageId> order_;  // the oldest first
    std::unordered_map<const void*, std::size_t> shared_;
};

}  // namespace weft::reliability::hub
