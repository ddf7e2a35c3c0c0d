#include "reliability/publisher/pending_acks.hpp"

namespace weft::reliability {

// Whoever is told shares all of it: so that telling needs no memory and cannot fail.
std::shared_ptr<const Outcome> PendingAcks::outcome_of(const std::shared_ptr<Shared>& shared) {
    if (!shared->outcome) return nullptr;
    return {shared, &*shared->outcome};
}

bool PendingAcks::done() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->settled;
}

std::shared_ptr<const Outcome> PendingAcks::wait() const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [this] { return shared_->settled; });
    return outcome_of(shared_);
}

std::shared_ptr<const Outcome> PendingAcks::wait_for(std::chrono::milliseconds timeout) const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, timeout, [this] { return shared_->settled; });
    return outcome_of(shared_);
}

bool PendingAcks::kept() const {
    const std::scoped_lock lock(shared_->mutex);
    return !shared_->kept.is_none();
}

}  // namespace weft::reliability
