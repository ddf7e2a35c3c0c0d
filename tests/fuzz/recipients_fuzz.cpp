// Who must acknowledge: what is understood is written so that it means the same again, and is
// judged as its words say. Complaints are single lines fit for a terminal.
//
//   input:  (group '=' text '\n') again and again, then the text

#include <cassert>
#include <string>
#include <vector>

#include "config/utf8.hpp"
#include "reliability/ack/recipients.hpp"
#include "signing/certificate.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using reliability::Recipients;
using Answer = Recipients::Answer;
using Standing = Recipients::Standing;

void check_sentence(std::string_view sentence) {
    assert(!sentence.empty() && sentence.size() < 4096);
    while (!sentence.empty()) {
        const std::size_t bytes = config::shown_character_bytes(sentence);
        assert(bytes > 0);
        sentence.remove_prefix(bytes);
    }
}

void check_judgement(const Recipients& recipients) {
    std::vector<Answer> answers(recipients.names().size(), Answer::acknowledged);
    assert(recipients.judge(answers) == Standing::satisfied);
    answers.assign(answers.size(), Answer::rejected);
    assert(recipients.judge(answers) == Standing::failed);
    answers.assign(answers.size(), Answer::none);
    Standing before = recipients.judge(answers);
    assert(before == Standing::open);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        answers[i] = i % 2 == 0 ? Answer::acknowledged : Answer::rejected;
        const Standing after = recipients.judge(answers);
        assert(before == Standing::open || after == before);
        before = after;
    }
    assert(before != Standing::open);
}

}  // namespace

void recipients(std::string_view input) {
    Recipients::Groups groups;
    for (auto end = input.find('\n'); end != std::string_view::npos; end = input.find('\n')) {
        const std::string_view line = input.substr(0, end);
        input.remove_prefix(end + 1);
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        groups[std::string{line.substr(0, equals)}] = line.substr(equals + 1);
    }
    const auto read = Recipients::parse(input, groups);
    if (!read) return check_sentence(read.error());

    const std::string text = read->text();
    assert(text.empty() == read->empty() && text.size() <= Recipients::text_bytes_max);
    assert(read->names().size() <= Recipients::names_max);
    for (std::size_t i = 0; i < read->names().size(); ++i) {
        assert(signing::name_error(read->names()[i]).empty());
        assert(read->position(read->names()[i]) == static_cast<int>(i));
    }
    const auto again = Recipients::parse(text);
    assert(again && again->text() == text && again->names() == read->names());
    if (!read->empty()) check_judgement(*read);
}

}  // namespace weft::fuzz
