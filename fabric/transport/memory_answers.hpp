#pragma once
// Requests and answers between ports of one process; the part of the in-process transport that is
// about one peer and another.
// Threads: those of the ports. Ownership: ports may outlive this.

#include <cstddef>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/transport/transport.hpp"

namespace weft::fabric {

class MemoryAnswers {
public:
    /// `limit` messages wait at most in a queue; one more is not taken.
    explicit MemoryAnswers(std::size_t limit);
    [[nodiscard]] tl::expected<std::unique_ptr<AnswerPort>, std::string> bind(
        const std::vector<std::string>& endpoints);
    [[nodiscard]] std::unique_ptr<RequestPort> open();

    class Exchange;

private:
    std::shared_ptr<Exchange> exchange_;
};

}  // namespace weft::fabric
