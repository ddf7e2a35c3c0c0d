// A configuration file: what is read is written so that it reads the same, what load() accepts is
// shown so that it loads the same, and complaints are fit for a terminal.

#include <cassert>
#include <string>

#include "config/check.hpp"
#include "config/explain.hpp"
#include "config/load.hpp"
#include "config/utf8.hpp"
#include "config/yaml_reader.hpp"
#include "config/yaml_writer.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

void check_fit_to_print(const config::Problems& problems) {
    for (const config::Problem& problem : problems) {
        assert(!problem.sentence.empty() && !config::find_bad_text(problem.text()));
        assert(problem.text().find('\n') == std::string::npos);
    }
    static_cast<void>(config::text_of(problems));
}

void check_written(const config::Value& value) {
    const config::Origin origin = config::Origin::file("written.yaml");
    const config::ReadYaml block = read_yaml(yaml_block(value), origin);
    assert(!block.broken && block.problems.empty());
    // An empty map at the root is written as nothing at all.
    const bool is_nothing = value.is_map() && value.entries.empty();
    assert(is_nothing ? block.value.is_null() : block.value.same_content(value));
    const config::ReadYaml flow = read_yaml(yaml_flow(value), origin);
    assert(!flow.broken && flow.problems.empty() && flow.value.same_content(value));
}

tl::expected<config::Configuration, config::Problems> loaded(std::string_view text) {
    config::LoadOptions options;
    options.directory = "/nowhere";
    options.documents.push_back({"fuzz.yaml", std::string(text)});
    return config::load(options);
}

void check_shown(const config::Configuration& configuration) {
    const std::string shown = effective_yaml(configuration);
    const auto again = loaded(shown);
    assert(again && effective_yaml(*again) == shown);
    assert(config::origins(configuration) && config::query(configuration, ""));
    for (const config::Entry& entry : configuration.root().entries) {
        assert(config::query(configuration, entry.key));
    }
}

}  // namespace

void yaml(std::string_view input) {
    config::ReadYaml read = read_yaml(input, config::Origin::file("fuzz.yaml"));
    assert(!read.broken || !read.problems.empty());
    check_fit_to_print(read.problems);
    if (!read.broken && read.problems.empty()) check_written(read.value);

    config::Problems problems;
    if (read.broken) return;
    check_layer(read.value, config::schema(), problems);
    check_fit_to_print(problems);
    if (const auto configuration = loaded(input)) {
        check_shown(*configuration);
    } else {
        assert(!configuration.error().empty());
        check_fit_to_print(configuration.error());
    }
}

}  // namespace weft::fuzz
