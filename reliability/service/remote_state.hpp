#pragma once
// The state beside a journal elsewhere: for its keepers (operation.hpp).
// Threads: every function from any thread. Ownership: the link must outlive it.

#include "reliability/journal/journal.hpp"
#include "reliability/service/remote_link.hpp"

namespace weft::reliability {

class RemoteState final : public StateStore {
public:
    explicit RemoteState(RemoteLink& link) : link_(link) {}

    [[nodiscard]] tl::expected<std::optional<std::string>, JournalError> get(
        std::string_view key) override;
    [[nodiscard]] tl::expected<std::vector<Entry>, JournalError> list(std::string_view prefix,
                                                                      std::string_view after,
                                                                      std::size_t limit) override;
    [[nodiscard]] tl::expected<void, JournalError> apply(const std::vector<StateChange>& changes,
                                                         Durability durability) override;

private:
    RemoteLink& link_;
};

}  // namespace weft::reliability
