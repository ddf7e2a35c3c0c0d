// The proof frame and the contents frame: what is accepted is written back to the same bytes.

#include <cassert>
#include <string>

#include "signing/proof.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void proof(std::string_view input) {
    const auto fields = signing::read_proof(input);
    if (!fields) return;
    assert(fields->i < fields->n && fields->n <= signing::batch_runs_max);
    assert(fields->k >= 1 && fields->k <= signing::run_messages_max);
    assert(fields->path.size() == 32 * signing::path_length(fields->i, fields->n));
    std::string again = "what was there before";
    signing::write_proof(*fields, again);
    assert(again == input);
}

}  // namespace weft::fuzz
