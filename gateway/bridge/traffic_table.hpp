#pragma once
// What has passed under which name: of each topic, or of each publisher, how many messages, which
// the last one was and when, and how many a second there were within the last minute.
//
// Threads: every function from any; the lock is held for a few operations, by snapshot() while it
//          copies. Times come in from outside.
// Limits:  names_max; beyond, the name that was used longest ago goes, and is counted.

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weft::gateway {

class TrafficTable {
public:
    /// A name is said from its first message on, or since it was remembered.
    struct Row {
        std::string name;
        std::uint64_t messages = 0;  ///< Since the table was made, or the name came into it again.
        std::uint64_t last_id = 0;   ///< Of the journal; 0: it was not said.
        std::uint64_t last_us = 0;   ///< Since 1970 UTC.
        double per_second = 0;       ///< Over the last minute.
    };
    struct Passed {
        std::string_view name;
        std::uint64_t messages = 1, last_id = 0, at_us = 0;
    };
    struct Snapshot {
        std::vector<Row> rows;        ///< Last used first.
        std::uint64_t forgotten = 0;  ///< Names that went for want of room.
    };

    explicit TrafficTable(std::size_t names_max) : names_max_(names_max) {}

    /// Times may go back a little, as wall clocks do; what is older than a minute counts as a
    /// message, and in no rate.
    void passed(const Passed& passed);
    /// What is known of names from before; the last is the newest. Those that are there already
    /// stay as they are.
    void remember(const std::vector<Row>& rows);
    [[nodiscard]] Snapshot snapshot(std::uint64_t now_us) const;

private:
    static constexpr std::size_t slots = 12;
    static constexpr std::uint64_t slot_us = 5'000'000;

    struct Entry {
        Row row;
        std::uint64_t newest_slot = 0;
        std::array<std::uint32_t, slots> counts{};
    };
    static void count(Entry& entry, const Passed& passed);
    [[nodiscard]] static double rate(const Entry& entry, std::uint64_t now_us);

    const std::size_t names_max_;
    mutable std::mutex mutex_;  // guards what follows
    std::list<Entry> entries_;  ///< Last used first.
    std::unordered_map<std::string_view, std::list<Entry>::iterator>
        index_;  ///< Views of entries_.
    std::uint64_t forgotten_ = 0;
};

}  // namespace weft::gateway
