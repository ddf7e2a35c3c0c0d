// The body of a dead letter: whatever is read can be written as one again and says the same, and
// nothing is believed but what somebody signed.

#include <cassert>
#include <memory>
#include <string>

#include "reliability/hub/dead_letter.hpp"
#include "tests/fuzz/fixed_world.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using fabric::Message;

constexpr std::uint64_t now_us = static_cast<std::uint64_t>(fixed_now) * 1'000'000;

/// A message with these bytes as its body, as nobody has checked them.
Message with_body(std::string_view body) {
    auto run = std::make_shared<const fabric::RunBytes>("org.weft.dev.dead", body, "");
    fabric::DecodedContent content;
    content.body = run->contents;
    return {run, content, run->contents, {}};
}

}  // namespace

void dead_letter(std::string_view input) {
    using namespace reliability;
    // No key of this world has signed anything: nobody can be believed.
    static StoredVerifier verifier(FixedAuthority{}.trust());
    const Message letter = with_body(input);
    assert(!hub::decode_dead_letter(letter, &verifier, now_us));
    const auto read = hub::decode_dead_letter(letter);
    if (!read) {
        assert(!read.error().empty());
        return;
    }
    assert(hub::is_dead_letter(letter));
    assert(!read->message.verified() && read->message.signer().empty());
    const fabric::Body body = hub::encode_dead_letter(read->death, read->message);
    const auto again = hub::decode_dead_letter(with_body(body.bytes()));
    assert(again && again->message.content() == read->message.content());
    assert(again->message.topic() == read->message.topic());
    assert(again->death.attempts == read->death.attempts);
    assert(again->death.journal_id == read->death.journal_id);
}

}  // namespace weft::fuzz
