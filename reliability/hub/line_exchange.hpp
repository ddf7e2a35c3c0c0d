#pragma once
// One line to a program's stdin, one line back from its stdout, never longer than until a deadline.
// Nothing is kept from one exchange to the next: what a program says unasked is an error, so that
// the answer to one message can never count for another.
// Threads: one at a time for one program. Limits: `answer_bytes_max`.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weft::reliability::hub {

/// Descriptors that do not block; they stay the caller's.
struct ExchangeEnds {
    int in = -1, out = -1;  ///< The program's stdin and stdout: our ends.
    int ended = -1;         ///< Readable once the program has ended.
    int wake = -1;          ///< Readable: give up.
};

struct Exchanged {
    enum class Is {
        answered,    ///< `text` is the line, without its line break.
        timed_out,   ///< `text` is what of a line had come.
        woken,       ///< By `wake`.
        ended,       ///< The program, before it answered; `text` as above.
        closed_in,   ///< It closed its stdin before it had read the message, and runs on.
        closed_out,  ///< It closed its stdout, and runs on.
        too_long,    ///< No line break within the limit; `text` is its beginning.
        early,       ///< The line `text` came before the program had read the message.
        more         ///< Behind its line stood more: `text`.
    };
    Is is;
    std::string text{};
    bool untouched = false;  ///< With `ended`: it read nothing of the message.
};

/// `line` ends with its line break. While it is written, stdout is read.
[[nodiscard]] Exchanged exchange_line(const ExchangeEnds& ends, std::string_view line,
                                      std::chrono::steady_clock::time_point deadline,
                                      std::size_t answer_bytes_max);

/// What stands in `out` although nothing was asked: at most 4 KiB of it; nothing if it is silent.
[[nodiscard]] std::optional<std::string> said_unasked(int out);

}  // namespace weft::reliability::hub
