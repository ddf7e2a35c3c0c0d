// The small texts that people and peers write: what parses is written as a text that parses to the
// same, and every complaint is fit for a terminal.

#include <cassert>
#include <string>

#include "config/address.hpp"
#include "config/assignment.hpp"
#include "config/check.hpp"
#include "config/decimal.hpp"
#include "config/duration.hpp"
#include "config/endpoint.hpp"
#include "config/flag.hpp"
#include "config/size.hpp"
#include "config/utf8.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/message/topic.hpp"
#include "signing/certificate.hpp"
#include "signing/refusal.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

template <typename Value>
void check_error(const tl::expected<Value, std::string>& result) {
    if (!result) assert(!result.error().empty() && !config::find_bad_text(result.error()));
}

void check_numbers(std::string_view input) {
    const auto decimal = config::parse_decimal(input);
    check_error(decimal);
    const auto size = config::parse_size(input);
    check_error(size);
    if (decimal) assert(size && *size == *decimal);
    const auto duration = config::parse_duration(input);
    check_error(duration);
    if (duration) {
        assert(duration->count() >= 0 && *duration <= config::duration_max && !decimal);
        const std::string text = config::duration_text(*duration);
        assert(config::parse_duration(text) == *duration && text.size() <= input.size());
    }
    check_error(config::parse_flag(input));
}

void check_places(std::string_view input) {
    const auto endpoint = config::Endpoint::parse(input);
    check_error(endpoint);
    if (endpoint) {
        assert(config::Endpoint::parse(endpoint->text()) == *endpoint);
        assert(!config::find_bad_text(endpoint->text()));
    }
    const auto address = config::Address::parse(input);
    check_error(address);
    if (address) assert(config::Address::parse(address->text()) == *address);
}

void check_assignment(config::Assignment assignment) {
    assert(assignment.layer.is_null() == !assignment.problems.empty());
    if (!assignment.layer.is_null()) {
        check_layer(assignment.layer, config::schema(), assignment.problems);
    }
    for (const config::Problem& problem : assignment.problems) {
        assert(!problem.sentence.empty() && !config::find_bad_text(problem.text()));
    }
}

void check_names(std::string_view input) {
    if (const auto id = fabric::MessageId::parse(input)) {
        assert(fabric::MessageId::parse(id->text()) == *id);
        assert(fabric::MessageId::from_bytes(id->bytes()) == *id);
    }
    check_error(fabric::Topic::parse(input));
    if (signing::name_error(input).empty()) assert(fabric::Topic::parse(input));
    const fabric::TopicSpace space{"org.weft", "dev"};
    const std::string complete = space.complete(input);
    assert(space.complete(complete) == complete);
    const std::string glob = space.complete_glob(input);
    assert(space.complete_glob(glob) == glob);
    assert(!config::find_bad_text(signing::escape(input)));
    assert(!config::find_bad_text(config::in_quotes(input)));
}

}  // namespace

void texts(std::string_view input) {
    check_numbers(input);
    check_places(input);
    check_names(input);
    check_assignment(config::read_setting(input, config::schema()));
    // The environment cannot hold a zero byte, nor a name with '='.
    const std::size_t equals = input.find('=');
    if (equals == std::string_view::npos || input.find('\0') != std::string_view::npos) return;
    check_assignment(config::read_variable("WEFT_" + std::string(input.substr(0, equals)),
                                           input.substr(equals + 1), config::schema()));
}

}  // namespace weft::fuzz
