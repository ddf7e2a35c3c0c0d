// A connection's bytes: however they are cut into pieces, the same requests come out of them, with
// the same end; and no request has framing that somebody else could read in another way (H4).

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "config/utf8.hpp"
#include "gateway/http/request_grammar.hpp"
#include "gateway/http/request_reader.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using State = gateway::RequestReader::State;

struct Outcome {
    std::vector<std::string> requests;
    State end = State::idle;
    gateway::Refused reason{};
    bool operator==(const Outcome&) const = default;
};

void check(const gateway::Request& request, const gateway::Limits& limits) {
    const auto lengths = request.headers.all("Content-Length");
    const auto encodings = request.headers.all("Transfer-Encoding");
    assert(lengths.size() + encodings.size() <= 1);
    assert(lengths.empty() || lengths.front() == std::to_string(request.body.size()));
    assert(!lengths.empty() || !encodings.empty() || request.body.empty());
    assert(request.body.size() <= limits.body);
    assert(request.headers.list().size() <= limits.header_count);
    assert(request.target.starts_with('/') && gateway::is_target(request.target));
    assert(request.version == 10 || request.headers.all("Host").size() == 1);
    for (const auto& [name, value] : request.headers.list()) {
        assert(gateway::is_token(name) && gateway::is_field_value(value));
    }
}

Outcome read_in_steps(std::string_view input, std::size_t step, const gateway::Limits& limits) {
    gateway::RequestReader reader(limits);
    Outcome outcome;
    while (!input.empty() && reader.state() != State::refused) {
        const std::size_t taken = reader.read(input.substr(0, step));
        assert(taken > 0 && taken <= input.size());
        input.remove_prefix(taken);
        if (reader.state() != State::complete) continue;
        const bool keeps_alive = reader.keeps_alive();
        const gateway::Request request = reader.take_request();
        check(request, limits);
        outcome.requests.push_back(request.method + " " + request.target + "\n" + request.body +
                                   (keeps_alive ? "+" : "-"));
    }
    outcome.end = reader.state();
    if (reader.state() == State::refused) {
        const gateway::Refusal& refusal = reader.refusal();
        outcome.reason = refusal.reason;
        assert(refusal.status >= 400 && !config::find_bad_text(refusal.sentence));
    }
    return outcome;
}

}  // namespace

void http_request(std::string_view input) {
    gateway::Limits limits;
    limits.body = 200;
    limits.header = 600;
    limits.line = 300;
    limits.header_count = 10;
    const Outcome whole = read_in_steps(input, input.size(), limits);
    assert(read_in_steps(input, 1, limits) == whole);
    assert(read_in_steps(input, 7, limits) == whole);
}

}  // namespace weft::fuzz
