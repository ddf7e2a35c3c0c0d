#include "gateway/http/send_queue.hpp"

#include <algorithm>
#include <utility>

namespace weft::gateway {

SendQueue::Put SendQueue::put(Item item) {
    std::deque<Item> dropped;
    const std::lock_guard lock(mutex_);
    if (ended_ || closed_) return Put::closed;
    const std::size_t bytes = item.bytes ? item.bytes->size() : 0;
    if (queued_ > 0 && bytes > bytes_max_ - std::min(bytes_max_, queued_)) {
        closed_ = true;
        dropped.swap(items_);
        return Put::overflow;
    }
    queued_ += bytes;
    items_.push_back(std::move(item));
    return std::exchange(awake_, true) ? Put::queued : Put::wake;
}

bool SendQueue::end(std::optional<Item> last) {
    const std::lock_guard lock(mutex_);
    if (ended_ || closed_) return false;
    ended_ = true;
    if (last) {
        queued_ += last->bytes ? last->bytes->size() : 0;
        items_.push_back(std::move(*last));
    }
    return !std::exchange(awake_, true);
}

bool SendQueue::end_instead(Item last) {
    std::deque<Item> dropped;
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    dropped.swap(items_);
    for (const Item& item : dropped) queued_ -= item.bytes ? item.bytes->size() : 0;
    ended_ = true;
    queued_ += last.bytes ? last.bytes->size() : 0;
    items_.push_back(std::move(last));
    return !std::exchange(awake_, true);
}

void SendQueue::close() {
    std::deque<Item> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(items_);
    queued_ = 0;
}

std::vector<SendQueue::Item> SendQueue::take(std::size_t count_max) {
    std::vector<Item> batch;
    static_cast<void>(take(count_max, batch));
    return batch;
}

bool SendQueue::take(std::size_t count_max, std::vector<Item>& batch) {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) {
        awake_ = false;
        return false;
    }
    const std::size_t count = std::min(count_max, items_.size());
    for (std::size_t i = 0; i < count; ++i) {
        batch.push_back(std::move(items_.front()));
        items_.pop_front();
    }
    return true;
}

void SendQueue::taken(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    queued_ -= std::min(queued_, bytes);
}

bool SendQueue::finished() const {
    const std::lock_guard lock(mutex_);
    return ended_ && items_.empty();
}

bool SendQueue::closed() const {
    const std::lock_guard lock(mutex_);
    return ended_ || closed_;
}

bool SendQueue::cut_off() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

std::size_t SendQueue::queued() const {
    const std::lock_guard lock(mutex_);
    return queued_;
}

}  // namespace weft::gateway
