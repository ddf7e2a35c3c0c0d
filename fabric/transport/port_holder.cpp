#include "fabric/transport/port_holder.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace weft::fabric {
namespace {

/// The inodes of sockets that listen on `port`, from one of /proc/net/tcp and tcp6.
void collect_listeners(const char* table, unsigned port, std::set<std::string>& inodes) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // the header
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
        fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
            timeout >> inode;
        const auto colon = local.rfind(':');
        if (state != "0A" || colon == std::string::npos) continue;  // 0A: listening
        unsigned found = 0;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
        if (found == port) inodes.insert("socket:[" + inode + "]");
    }
}

std::string name_of_process(const std::filesystem::path& process) {
    std::ifstream file(process / "comm");
    std::string name;
    std::getline(file, name);
    return name;
}

bool holds_one_of(const std::filesystem::path& process, const std::set<std::string>& inodes) {
    std::error_code error;
    std::filesystem::directory_iterator descriptors(process / "fd", error), end;
    for (; !error && descriptors != end; descriptors.increment(error)) {
        std::error_code unreadable;
        const auto target = std::filesystem::read_symlink(descriptors->path(), unreadable);
        if (!unreadable && inodes.contains(target.string())) return true;
    }
    return false;
}

}  // namespace

std::string port_holder(const std::string& endpoint) {
    const auto colon = endpoint.rfind(':');
    if (!endpoint.starts_with("tcp://") || colon == std::string::npos) return "";
    unsigned port = 0;
    std::from_chars(endpoint.data() + colon + 1, endpoint.data() + endpoint.size(), port);
    std::set<std::string> inodes;
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        collect_listeners(table, port, inodes);
    }
    if (port == 0 || inodes.empty()) return "";
    std::error_code error;
    std::filesystem::directory_iterator processes("/proc", error), end;
    for (; !error && processes != end; processes.increment(error)) {
        const std::string pid = processes->path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        if (holds_one_of(processes->path(), inodes)) {
            return "pid " + pid + " (" + name_of_process(processes->path()) + ")";
        }
    }
    return "";
}

}  // namespace weft::fabric
