#include "config/nearest.hpp"

#include <algorithm>
#include <limits>

namespace weft::config {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // Three rows of the classic table; the row before last is for swapped neighbours.
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

Nearest nearest(std::string_view word, const std::vector<std::string>& known) {
    const std::string_view compared = word.substr(0, compared_bytes_max);
    Nearest best;
    std::size_t least = std::numeric_limits<std::size_t>::max();
    for (const std::string& candidate : known) {
        const std::size_t distance = edit_distance(compared, candidate);
        if (distance < least) {
            least = distance;
            best.word = candidate;
        }
    }
    // Two slips, or one letter in three; but never so many that nothing of the word is left.
    const std::size_t allowed = std::max<std::size_t>(2, compared.size() / 3);
    best.close = compared.size() == word.size() && least <= allowed && least < compared.size();
    return best;
}

}  // namespace weft::config
