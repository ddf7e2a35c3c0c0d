// What RSE clients post: our check and the parser of the fabric agree on what JSON is, except for
// halves of surrogate pairs as escapes, which stand for no text but are within the grammar. The
// items of a batch are JSON each, and together what was posted.

#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/json_check.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using gateway::rse::check_json;

void check_items(std::string_view list, std::size_t depth_max) {
    std::string joined = "[";
    std::size_t count = 0;
    for (const std::string_view item : gateway::rse::list_items(list)) {
        assert(check_json(item, depth_max));
        if (count++ > 0) joined += ',';
        joined += item;
    }
    joined += ']';
    assert(check_json(joined, depth_max) == gateway::rse::JsonRoot::array);
    const auto all = fabric::from_json(list);
    if (!all) return;
    assert(all->list() != nullptr && all->list()->size() == count);
    assert(fabric::from_json(joined) == *all);
}

}  // namespace

void rse_body(std::string_view input) {
    constexpr std::size_t depth_max = 64;
    const auto root = check_json(input, depth_max);
    const bool checked = root.has_value();
    if (root == gateway::rse::JsonRoot::array) check_items(input, depth_max);
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
