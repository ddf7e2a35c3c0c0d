#pragma once
// Looks names up again and again, in a thread of its own: when an answer has grown old, and sooner
// and then ever more rarely while there is none.
// Threads:   `on_answer` is called by the watcher's thread, one at a time; nothing after the
//            destructor returned.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "fabric/transport/name_resolver.hpp"

namespace weft::fabric {

/// When which name is due. Pure: time comes in.
class ResolveSchedule {
public:
    /// An answer is believed at least and at most so long, whatever its time to live says.
    static constexpr std::chrono::seconds keep_min{5}, keep_max{60};
    static constexpr std::chrono::seconds retry_first{1}, retry_max{30};

    explicit ResolveSchedule(std::size_t names) : entries_(names) {}
    [[nodiscard]] std::vector<std::size_t> due(Instant now) const;
    [[nodiscard]] std::optional<Instant> next() const;  ///< Nothing: there are no names.
    void on_answer(std::size_t name, const NameAnswer& answer, Instant now);

private:
    struct Entry {
        Instant due = Instant::min();
        std::chrono::seconds retry = retry_first;
    };
    std::vector<Entry> entries_;
};

class NameWatcher {
public:
    using OnAnswer = std::function<void(const NameQuery&, const NameAnswer&)>;

    NameWatcher(const Clock& clock, std::vector<NameQuery> queries,
                std::shared_ptr<NameResolver> resolver, OnAnswer on_answer);

private:
    void run(const std::stop_token& stop);

    const Clock& clock_;
    const std::vector<NameQuery> queries_;
    const std::shared_ptr<NameResolver> resolver_;
    const OnAnswer on_answer_;
    std::jthread thread_;  // last: joins before the rest goes
};

}  // namespace weft::fabric
