#pragma once
// What a consumer under kill -9 writes, and whether that is what it may: one line for each message
// that it was given, "<topic> <number>", numbers from 1 in each topic. Threads: values.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace weft::fault {

class WrittenLines {
public:
    /// Reads on from where the last call ended; a line without its end is read later.
    void read(const std::filesystem::path& file);

    [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
    /// Numbers that came again although the one after them had not come: what was in hand.
    [[nodiscard]] std::uint64_t repeats() const noexcept { return repeats_; }
    /// Numbers that came again after later ones had: neither order nor place was kept.
    [[nodiscard]] std::uint64_t went_back() const noexcept { return went_back_; }
    /// Numbers that were skipped.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
    /// Different numbers seen, in all topics.
    [[nodiscard]] std::uint64_t seen() const noexcept;

private:
    std::map<std::string, std::uint64_t> last_;
    std::uint64_t lines_ = 0, repeats_ = 0, went_back_ = 0, skipped_ = 0, offset_ = 0;
};

}  // namespace weft::fault
