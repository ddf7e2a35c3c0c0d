#pragma once
// How a running hub is, for other processes: `<state>/hub.<slot>.status`, one JSON object, written
// again about once a second. Who holds the file's lock lives; a file that nobody holds is what a
// hub left behind.
// Threads: one StatusFile by one thread; read_status_files() by any process.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/hub/runner.hpp"

namespace weft::reliability::hub {

struct HubStatus {
    std::string hub;  ///< The name on its certificate.
    std::uint64_t pid = 0;
    std::uint64_t started_us = 0, written_us = 0;
    bool stopping = false;
    std::vector<ConsumerStatus> consumers;
};

[[nodiscard]] std::string encode_status(const HubStatus& status);
/// What is missing is left as it is: a later version may write less.
[[nodiscard]] std::optional<HubStatus> decode_status(const std::string& json);

class StatusFile {
public:
    [[nodiscard]] static tl::expected<std::unique_ptr<StatusFile>, std::string> open(
        const std::filesystem::path& directory);
    ~StatusFile();
    StatusFile(const StatusFile&) = delete;
    StatusFile& operator=(const StatusFile&) = delete;

    /// False: it could not be written; the reason is in errno.
    [[nodiscard]] bool write(const HubStatus& status);

private:
    explicit StatusFile(int fd) : fd_(fd) {}
    int fd_;
};

/// Of the hubs that run now.
[[nodiscard]] std::vector<HubStatus> read_status_files(const std::filesystem::path& directory);

}  // namespace weft::reliability::hub
