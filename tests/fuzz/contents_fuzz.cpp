// A contents frame: the items that were read, written again, are the frame, or its beginning if
// its end is cut off.

#include <algorithm>
#include <cassert>
#include <string>

#include "signing/proof.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void contents(std::string_view input) {
    signing::ItemReader items(input);
    std::string again;
    while (!items.at_end()) {
        const auto item = items.next();
        if (!item) {
            assert(again.size() < input.size() && input.starts_with(again));
            return;
        }
        if (item->present) {
            signing::append_item(item->bytes, again);
            continue;
        }
        signing::Digest digest;
        assert(item->bytes.size() == digest.size());
        std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
        signing::append_left_out(digest, again);
    }
    assert(again == input);
}

}  // namespace weft::fuzz
