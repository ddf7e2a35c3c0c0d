#include "fabric/node/flush_tracker.hpp"

#include <algorithm>

namespace weft::fabric {

void FlushTracker::close(const std::shared_ptr<PendingFlush>& flush) {
    open_.erase(std::remove(open_.begin(), open_.end(), flush), open_.end());
}

std::vector<std::string> FlushTracker::due(std::uint64_t handled, std::size_t peers) {
    std::vector<std::string> nonces;
    for (const auto& flush : open_) {
        if (flush->sent || flush->done || handled < flush->position) continue;
        if (peers == 0) {
            flush->done = !needs_peer_;
            continue;
        }
        flush->nonce = make_nonce_();
        flush->sent = true;
        flush->expected = peers;
        nonces.push_back(flush->nonce);
    }
    return nonces;
}

bool FlushTracker::on_echo(std::string_view nonce) {
    for (const auto& flush : open_) {
        if (flush->nonce != nonce || flush->done || !flush->sent) continue;
        ++flush->answered;
        flush->done = flush->answered >= flush->expected;
        return flush->done;
    }
    return false;
}

void FlushTracker::begin_again(PendingFlush& flush) {
    flush.sent = false;
    flush.answered = 0;
    flush.nonce.clear();
}

void FlushTracker::on_peer_joined() {
    for (const auto& flush : open_) {
        if (flush->sent && !flush->done) begin_again(*flush);
    }
}

bool FlushTracker::on_peer_lost() {
    bool finished = false;
    for (const auto& flush : open_) {
        if (flush->done || !flush->sent) continue;
        flush->peer_lost = true;
        if (needs_peer_) {
            flush->done = true;
            finished = true;
        } else {
            begin_again(*flush);
        }
    }
    return finished;
}

}  // namespace weft::fabric
