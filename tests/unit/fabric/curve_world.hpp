#pragma once
// A world of trust in which everybody has a Curve key and their certificate in one directory, and
// what it takes to open encrypted transports in it.
// Threads: the log from any; everything else from one.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fabric/transport/curve.hpp"
#include "fabric/transport/transport.hpp"
#include "tests/support/certificate_files.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {

class CurveWorld {
public:
    [[nodiscard]] support::Identity citizen(const std::string& name,
                                            std::initializer_list<signing::Role> roles) const {
        return support::citizen(signing, name, roles);
    }
    [[nodiscard]] std::shared_ptr<Curve> curve_of(const support::Identity& who) {
        auto directory =
            std::make_shared<signing::CurveDirectory>(signing.directory(), signing.trust());
        return std::make_shared<Curve>(signing::CurveKeyPair::of(*who.key), std::move(directory),
                                       clock, [log = log_](const std::string& line) {
                                           const std::scoped_lock lock(log->mutex);
                                           log->lines.push_back(line);
                                       });
    }
    /// True as soon as somebody has logged a line with this in it.
    [[nodiscard]] bool logged(const std::string& part) const {
        return eventually([&] { return times_logged(part) > 0; });
    }
    [[nodiscard]] std::size_t times_logged(const std::string& part) const {
        const std::scoped_lock lock(log_->mutex);
        std::size_t count = 0;
        for (const std::string& line : log_->lines) count += line.find(part) != std::string::npos;
        return count;
    }

    WorldClock clock;
    support::SigningFixture signing;

private:
    struct Log {
        std::mutex mutex;
        std::vector<std::string> lines;
    };
    const std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

}  // namespace weft::fabric
