#pragma once
// How many waiters each client has: a place is held for as long as it waits. Threads: any; places
// may outlive the table. Limits: as many clients as have waiters.

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace weft::gateway::esub {

class PeerPlaces {
public:
    /// Let go of where the waiter ends; empty: it was not counted.
    using Place = std::shared_ptr<void>;

    /// `most` of each client; 0: any number.
    explicit PeerPlaces(std::size_t most) : most_(most) {}

    [[nodiscard]] bool counts() const noexcept { return most_ > 0; }
    [[nodiscard]] bool has_room(const std::string& client) const {
        const std::lock_guard lock(table_->mutex);
        const auto found = table_->waiters.find(client);
        return found == table_->waiters.end() || found->second < most_;
    }
    /// False: it has as many as it may have.
    [[nodiscard]] bool take(std::string client, Place& place) {
        {
            const std::lock_guard lock(table_->mutex);
            std::size_t& waiters = table_->waiters[client];
            if (waiters >= most_) return false;
            ++waiters;
        }
        // What stands for the place is nothing but its end.
        place = Place(nullptr, [table = table_, client = std::move(client)](std::nullptr_t) {
            const std::lock_guard lock(table->mutex);
            const auto found = table->waiters.find(client);
            if (--found->second == 0) table->waiters.erase(found);
        });
        return true;
    }

private:
    struct Table {
        mutable std::mutex mutex;
        std::unordered_map<std::string, std::size_t> waiters;
    };
    const std::size_t most_;
    const std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

}  // namespace weft::gateway::esub
