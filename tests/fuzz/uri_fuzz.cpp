// Targets and queries: what is decoded is UTF-8 and, encoded again, decodes to the same; every
// complaint is fit for a terminal.

#include <cassert>
#include <string>

#include "config/utf8.hpp"
#include "gateway/http/uri.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

template <typename Result>
bool is_good(const Result& result) {
    if (result) return true;
    assert(!result.error().empty() && !config::find_bad_text(result.error()));
    return false;
}

void check_decoded(std::string_view decoded) {
    assert(config::is_utf8(decoded));
    const std::string encoded = gateway::percent_encode(decoded);
    assert(gateway::percent_decode(encoded) == decoded);
    assert(gateway::percent_decode(encoded, true) == decoded);
}

}  // namespace

void uri(std::string_view input) {
    for (const bool plus_is_space : {false, true}) {
        const auto decoded = gateway::percent_decode(input, plus_is_space);
        if (!is_good(decoded)) continue;
        assert(decoded->size() <= input.size());
        check_decoded(*decoded);
    }
    const auto query = gateway::Query::parse(input);
    if (is_good(query)) {
        assert(query->list().size() <= gateway::Query::parameters_max);
        std::string again;
        for (const auto& [name, value] : query->list()) {
            assert(query->all(name).back() == query->find(name));
            again += gateway::percent_encode(name) + "=" + gateway::percent_encode(value) + "&";
        }
        assert(gateway::Query::parse(again)->list() == query->list());
    }
    const auto segments = gateway::path_segments(input);
    if (is_good(segments)) {
        std::string again;
        for (const std::string& segment : *segments)
            again += "/" + gateway::percent_encode(segment);
        if (again.empty()) again = "/";
        assert(gateway::path_segments(again) == *segments);
    }
}

}  // namespace weft::fuzz
