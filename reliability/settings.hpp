#pragma once
// What the configuration says about reliability, as types. Read once, at the edge.
// Threads: a value.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::reliability {

/// The journal of this process.
struct JournalSettings {
    enum class Backend { rocksdb, jetstream, memory };
    Backend backend = Backend::rocksdb;
    std::filesystem::path path;
    std::string listen;                   ///< Endpoint; its port may be 0.
    std::vector<std::string> topics;      ///< Globs to record, maybe short; none: all.
    bool sync = true;                     ///< False: a commit is not waited for.
    std::chrono::milliseconds max_age{};  ///< 0: for ever.
    std::uint64_t max_bytes = 0;          ///< 0: no bound.
    std::map<std::string, std::chrono::milliseconds> ages;  ///< By glob, maybe short.
    std::vector<std::string> protect;  ///< Names of cursors; "delivery.*": all that begin so.
};

struct RepairSettings {
    std::chrono::milliseconds wait{5000};
    std::size_t held_max = 65'536;
};

struct Settings {
    std::chrono::milliseconds ack_timeout{250};  ///< Of who says nothing else; > 0.
    /// Each stands for all of its entries, and has been parsed: using one can only fail because the
    /// whole becomes too large or too deep.
    Recipients::Groups groups;
    std::vector<std::string> journals;  ///< Names on the certificates of the fabric's journals.
    /// Where they answer readers: one for each of `journals`, and others that are configured.
    std::map<std::string, std::string, std::less<>> journal_endpoints{};
    JournalSettings journal{};
    RepairSettings repair{};
    std::filesystem::path outbox{};  ///< Empty: none.
    std::uint64_t outbox_max = 0;    ///< Bytes.
};

/// Problems name file and line, of a group its own.
[[nodiscard]] Settings read_settings(const config::Configuration& configuration,
                                     config::Problems& problems);

}  // namespace weft::reliability
