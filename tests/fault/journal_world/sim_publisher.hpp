#pragma once
// A publisher: numbers its messages, repeats the durable ones until somebody has stored them or
// their time is over, and hands in later what is in its outbox.
// Threads: none.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/fault/journal_world/scene.hpp"

namespace weft::fault {

class StreamPublisher {
public:
    struct Ways {
        std::function<void(const Sent&)> everybody;  ///< Over the fabric, to whom it may reach.
        std::function<void(const StreamName&, std::uint64_t last, std::uint64_t time_us)> tail;
        /// To some journal, with an answer if all goes well.
        std::function<void(const Told&)> hand_in;
    };
    StreamPublisher(std::size_t number, Ways ways, Scene& scene);

    void publish();
    void on_stored(const std::vector<Told>& messages);
    void restart(bool killed);
    void tick();
    /// Nothing durable may be left over.
    void end();

    NodeClock clock;

private:
    struct Waits {
        Instant deadline{}, again{};
        bool in_outbox = false;
    };
    [[nodiscard]] Told make(const StreamName& stream);

    const std::string name_;
    const Ways ways_;
    Scene& scene_;
    const bool has_outbox_;
    std::uint64_t epoch_ = 1, nonce_ = 0;
    std::map<StreamName, std::uint64_t> last_;  // of this epoch
    std::map<Told, Waits> waits_;
};

}  // namespace weft::fault
