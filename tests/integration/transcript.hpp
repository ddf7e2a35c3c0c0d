#pragma once
// What documents show of a terminal: blocks of ```sh, and behind some of them a block of ```json or
// ```text, what they print. Threads: values and pure functions.
//
// Shown is what stays the same. UUIDs, times and epochs of a journal stand for any other of their
// kind; so do numbers under a name such as "age". "…" stands for any text, and as the name of a
// member for further ones; a line "…" of a ```text block for any lines.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weft::testing {

struct TranscriptBlock {
    std::string script{};
    std::string shown{};  ///< "": nothing is shown.
    bool is_json = false;
    int line = 0;  ///< Of the document, for messages.

    /// It goes on until somebody ends it.
    [[nodiscard]] bool goes_on() const;
};

[[nodiscard]] std::vector<TranscriptBlock> transcript_of(const std::string& document);

/// One JSON value behind the other. Throws nlohmann::json::exception.
[[nodiscard]] std::vector<nlohmann::json> json_values(const std::string& text);
/// "" or where they differ.
[[nodiscard]] std::string json_difference(const nlohmann::json& shown,
                                          const nlohmann::json& printed,
                                          const std::string& at = "$");
/// "" or what differs between what a block shows and what it printed.
[[nodiscard]] std::string difference(const TranscriptBlock& block, const std::string& printed);

}  // namespace weft::testing
