#include "reliability/journal/journal_epoch.hpp"

#include "signing/sodium.hpp"

namespace weft::reliability {

JournalEpoch make_journal_epoch() {
    JournalEpoch epoch = 0;
    while (epoch == 0) signing::random_bytes(reinterpret_cast<char*>(&epoch), sizeof epoch);
    return epoch;
}

}  // namespace weft::reliability
