#include "reliability/service/stream_order.hpp"

#include <algorithm>
#include <utility>

namespace weft::reliability {
namespace {

/// Epoch in 8 bytes, the signer's length in one, signer, topic: names have at most 200 bytes.
void make_key(const fabric::Message& message, std::string& key) {
    key.clear();
    const std::uint64_t epoch = message.epoch();
    for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(epoch >> shift & 0xFF);
    key += static_cast<char>(message.signer().size());
    key += message.signer();
    key += message.topic();
}

}  // namespace

StreamOrder::Stream* StreamOrder::find(const fabric::Message& message) {
    if (streams_.empty()) return nullptr;
    static thread_local std::string key;
    make_key(message, key);
    if (last_ == nullptr || key != key_) {
        const auto found = streams_.find(key);
        if (found == streams_.end()) return nullptr;
        last_ = &found->second;
        key_ = key;
    }
    return last_;
}

StreamOrder::Stream& StreamOrder::add(const Item& item, const IsPreceded& is_preceded) {
    if (streams_.size() >= limits_.streams_max) forget_idle();
    make_key(item.message, key_);
    last_ = &streams_[key_];
    const std::uint64_t seq = item.message.seq();
    // Nothing of it is known. Where its forerunner is stored, it is in its place.
    last_->last = seq <= 1 || is_preceded(item.message) ? seq - std::min<std::uint64_t>(seq, 1) : 0;
    return *last_;
}

void StreamOrder::on_message(Item item, fabric::Instant now, const IsPreceded& is_preceded,
                             Items& ready) {
    Stream* stream = find(item.message);
    if (stream == nullptr) {
        if (!item.request && !item.awaited) {
            ready.push_back(std::move(item));
            return;
        }
        stream = &add(item, is_preceded);
    }
    const std::uint64_t seq = item.message.seq();
    if (seq > stream->last && seq - stream->last > 1) {
        hold(*stream, std::move(item), now);
    } else {
        stream->last = std::max(stream->last, seq);
        ready.push_back(std::move(item));
        if (!stream->held.empty()) drain(*stream, ready);
    }
    while (held_ > limits_.held_max || held_bytes_ > limits_.held_bytes_max) {
        ++stats_.no_room;
        let_go(*due_.begin()->second.front(), ready);
    }
}

void StreamOrder::hold(Stream& stream, Item item, fabric::Instant now) {
    const bool first = stream.held.empty();
    const std::size_t bytes = item.message.content().size();
    const std::uint64_t seq = item.message.seq();
    fabric::Instant due = now + limits_.wait;
    if (item.request) due = std::min<fabric::Instant>(due, now + item.request->timeout / 2);
    if (!stream.held.try_emplace(seq, std::move(item)).second) return;
    ++stats_.held;
    ++held_;
    held_bytes_ += bytes;
    if (!first && due >= stream.due) return;
    if (!first) unschedule(stream);
    schedule(stream, due);
}

void StreamOrder::schedule(Stream& stream, fabric::Instant at) {
    stream.due = at;
    due_[at].push_back(&stream);
}

void StreamOrder::unschedule(const Stream& stream) {
    const auto at = due_.find(stream.due);
    std::erase(at->second, &stream);
    if (at->second.empty()) due_.erase(at);
}

/// What has its forerunner now.
void StreamOrder::drain(Stream& stream, Items& ready) {
    while (!stream.held.empty()) {
        auto first = stream.held.begin();
        if (first->first > stream.last && first->first - stream.last > 1) return;
        stream.last = std::max(stream.last, first->first);
        --held_;
        held_bytes_ -= first->second.message.content().size();
        ready.push_back(std::move(first->second));
        stream.held.erase(first);
    }
    unschedule(stream);
}

/// Goes on without what is missing before the first that is held, and with all that is held.
void StreamOrder::let_go(Stream& stream, Items& ready) {
    while (!stream.held.empty()) {
        stream.last = std::max(stream.last, stream.held.begin()->first - 1);
        drain(stream, ready);
    }
}

void StreamOrder::tick(fabric::Instant now, Items& ready) {
    while (!due_.empty() && due_.begin()->first <= now) {
        ++stats_.given_up;
        let_go(*due_.begin()->second.front(), ready);
    }
}

std::optional<fabric::Instant> StreamOrder::next_due() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
}

void StreamOrder::finish(Items& ready) {
    while (!due_.empty()) let_go(*due_.begin()->second.front(), ready);
}

/// All that hold nothing: they are found again in the journal.
void StreamOrder::forget_idle() {
    last_ = nullptr;
    stats_.forgotten +=
        std::erase_if(streams_, [](const auto& entry) { return entry.second.held.empty(); });
}

}  // namespace weft::reliability
