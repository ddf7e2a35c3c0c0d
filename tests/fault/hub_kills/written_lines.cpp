#include "tests/fault/hub_kills/written_lines.hpp"

#include <fstream>
#include <numeric>
#include <sstream>

namespace weft::fault {

void WrittenLines::read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(offset_));
    for (std::string line; std::getline(in, line) && !in.eof();) {
        offset_ += line.size() + 1;
        std::istringstream words(line);
        std::string topic;
        std::uint64_t number = 0;
        words >> topic >> number;
        ++lines_;
        std::uint64_t& last = last_[topic];
        if (number == last + 1) {
            last = number;
        } else if (number == last) {
            ++repeats_;
        } else if (number < last) {
            ++went_back_;
        } else {
            skipped_ += number - last - 1;
            last = number;
        }
    }
}

std::uint64_t WrittenLines::seen() const noexcept {
    return std::accumulate(
               last_.begin(), last_.end(), std::uint64_t{0},
               [](std::uint64_t sum, const auto& topic) { return sum + topic.second; }) -
           skipped_;
}

}  // namespace weft::fault
