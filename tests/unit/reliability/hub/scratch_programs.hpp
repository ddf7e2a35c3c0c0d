#pragma once
// Small programs that a test writes and runs, and what is left of them.
// Threads: one.

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <system_error>

namespace weft::reliability::hub {

/// Longer than anything that should happen takes on a busy machine.
inline constexpr std::chrono::seconds patience{20};

/// Looks again and again until it is so.
inline bool becomes_true(const std::function<bool()>& so) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!so()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::poll(nullptr, 0, 5);
    }
    return true;
}

/// Living processes of a group. Zombies are dead: somebody else reaps them in their own time.
inline int living_in(pid_t group) {
    int count = 0;
    std::error_code vanished;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", vanished)) {
        std::ifstream file(entry.path() / "stat");
        std::string stat;
        if (!std::getline(file, stat) || stat.find(')') == std::string::npos) continue;
        std::istringstream rest(stat.substr(stat.rfind(')') + 1));
        char state = 0;
        pid_t parent = 0, its_group = 0;
        rest >> state >> parent >> its_group;
        if (its_group == group && state != 'Z' && state != 'X') ++count;
    }
    return count;
}

inline bool group_is_gone(pid_t group) {
    return becomes_true([&] { return living_in(group) == 0; });
}

class ScratchPrograms : public ::testing::Test {
protected:
    ScratchPrograms() {
        std::string name = (std::filesystem::temp_directory_path() / "weft_hub_XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
    }
    ~ScratchPrograms() override { std::filesystem::remove_all(directory_); }

    /// Its path.
    std::string program(const std::string& name, const std::string& text) {
        const std::filesystem::path file = directory_ / name;
        std::ofstream(file) << text;
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
        return file.string();
    }
    std::string bash(const std::string& text) {
        return program("program" + std::to_string(++programs_), "#!/bin/bash\n" + text + "\n");
    }
    std::string python(const std::string& text) {
        return program("program" + std::to_string(++programs_), "#!/usr/bin/python3\n" + text);
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory_ / name).string();
    }
    [[nodiscard]] std::string text_of(const std::string& name) const {
        std::ifstream file(directory_ / name);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

private:
    std::filesystem::path directory_;
    int programs_ = 0;
};

/// What it writes until it has ended, and then what is in the pipe.
inline std::string output_of(int out, int ended) {
    std::string text;
    for (bool over = false; !over;) {
        std::array<pollfd, 2> fds{{{out, POLLIN, 0}, {ended, POLLIN, 0}}};
        if (::poll(fds.data(), fds.size(), static_cast<int>(patience.count() * 1000)) <= 0) break;
        over = fds[1].revents != 0;
        std::array<char, 65'536> bytes;
        ssize_t got = 0;
        while ((got = ::read(out, bytes.data(), bytes.size())) > 0) {
            text.append(bytes.data(), static_cast<std::size_t>(got));
        }
        if (got == 0) break;
    }
    return text;
}

}  // namespace weft::reliability::hub
