#include "reliability/hub/error_log.hpp"

#include "signing/refusal.hpp"

namespace weft::reliability::hub {

void ErrorLog::take(std::string_view line, bool cut) {
    const std::scoped_lock lock(mutex_);
    if (!budget_.take(line.size(), std::chrono::steady_clock::now())) return;
    say_left_out(budget_.take_left_out());
    std::string text = signing::escape(line, line.size());
    if (cut) text += " … (the rest of this line is left out)";
    surroundings_.log(Surroundings::Level::info, consumer_, text);
}

void ErrorLog::finish() {
    const std::scoped_lock lock(mutex_);
    say_left_out(budget_.take_left_out());
}

void ErrorLog::say_left_out(std::uint64_t count) {
    if (count == 0) return;
    surroundings_.log(Surroundings::Level::warning, consumer_,
                      "left out " + std::to_string(count) + " lines of its stderr: at most " +
                          std::to_string(LineBudget::lines_a_second) + " a second are shown");
}

}  // namespace weft::reliability::hub
