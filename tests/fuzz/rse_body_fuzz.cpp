// What RSE clients post: our check and the parser of the fabric agree on what JSON is, except for
// halves of surrogate pairs as escapes, which stand for no text but are within the grammar.

#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/json_check.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void rse_body(std::string_view input) {
    using gateway::rse::check_json;
    constexpr std::size_t depth_max = 64;
    const bool checked = check_json(input, depth_max).has_value();
    const bool parsed = fabric::compact_json(input, depth_max).has_value();
    assert(checked || !parsed);
    assert(parsed || !checked || input.find("\\u") != std::string_view::npos);

    const std::string script = gateway::rse::with_callback("cb", input);
    assert(script.find("\u2028") == std::string::npos &&
           script.find("\u2029") == std::string::npos);
    if (checked) {
        const std::string inside = script.substr(3, script.size() - 5);
        assert(check_json(inside, depth_max));
    }
}

}  // namespace weft::fuzz
