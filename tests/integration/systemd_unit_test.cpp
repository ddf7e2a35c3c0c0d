// packaging/systemd: the units say what systemd understands, and what they start is there and
// speaks as they say.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/descriptor.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const fs::path units = fs::path(WEFT_SOURCE_DIR) / "packaging/systemd";

/// What systemd 252 knows of what a unit of ours may want (systemd.unit(5), systemd.service(5),
/// systemd.exec(5), systemd.kill(5), systemd.resource-control(5)). It ignores a key that it does
/// not know, so that a misspelt limit would be none.
const std::map<std::string, std::set<std::string>> known_keys = {
    {"Unit",
     {"Description", "Documentation", "Wants", "After", "StartLimitIntervalSec",
      "StartLimitBurst"}},
    {"Service",
     {"Type",
      "NotifyAccess",
      "ExecStart",
      "ExecReload",
      "Restart",
      "RestartSec",
      "TimeoutStopSec",
      "MemoryMax",
      "MemorySwapMax",
      "LimitNOFILE",
      "LimitCORE",
      "TasksMax",
      "User",
      "DynamicUser",
      "StateDirectory",
      "StateDirectoryMode",
      "WorkingDirectory",
      "UMask",
      "NoNewPrivileges",
      "CapabilityBoundingSet",
      "AmbientCapabilities",
      "ProtectSystem",
      "ProtectHome",
      "PrivateTmp",
      "PrivateDevices",
      "ProtectClock",
      "ProtectControlGroups",
      "ProtectHostname",
      "ProtectKernelLogs",
      "ProtectKernelModules",
      "ProtectKernelTunables",
      "ProtectProc",
      "ProcSubset",
      "LockPersonality",
      "MemoryDenyWriteExecute",
      "RemoveIPC",
      "RestrictAddressFamilies",
      "RestrictNamespaces",
      "RestrictRealtime",
      "RestrictSUIDSGID",
      "SystemCallArchitectures",
      "SystemCallFilter",
      "SystemCallErrorNumber"}},
    {"Install", {"WantedBy"}},
};

struct Unit {
    std::map<std::string, std::string> keys;  ///< "Service.Type"
    std::vector<std::string> mistakes;        ///< What systemd would ignore, each as a sentence.
    std::string text;

    [[nodiscard]] std::string at(const std::string& key) const {
        const auto found = keys.find(key);
        return found == keys.end() ? "" : found->second;
    }
};

/// One line at a time; without continuations, which no unit of ours has.
Unit parse(const std::string& text) {
    Unit unit{.keys = {}, .mistakes = {}, .text = text};
    std::string section;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') continue;
        const std::size_t equals = line.find('=');
        if (line.front() == '[' && line.back() == ']') {
            section = line.substr(1, line.size() - 2);
            if (!known_keys.contains(section)) unit.mistakes.push_back("section " + line);
        } else if (equals == std::string::npos || line.back() == '\\') {
            unit.mistakes.push_back("no single key=value: " + line);
        } else {
            const std::string key = line.substr(0, equals);
            const auto known = known_keys.find(section);
            if (known == known_keys.end() || !known->second.contains(key)) {
                unit.mistakes.push_back("key " + key + " in [" + section + "]");
            }
            unit.keys[section + "." + key] = line.substr(equals + 1);
        }
    }
    return unit;
}

Unit read_unit(const fs::path& path) {
    std::ifstream input(path);
    std::ostringstream text;
    text << input.rdbuf();
    return parse(text.str());
}

std::vector<fs::path> unit_files() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(units)) found.push_back(entry.path());
    return found;
}

/// What systemd listens on for a service of Type=notify.
class NotifySocket {
public:
    explicit NotifySocket(const fs::path& path)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string text = path.string();
        if (text.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + text);
        std::memcpy(address.sun_path, text.data(), text.size());
        if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            fail_with_errno("cannot bind " + text);
        }
    }

    /// The next datagram; "" after `patience`.
    std::string next() {
        pollfd readable{fd_.get(), POLLIN, 0};
        const auto timeout = std::chrono::milliseconds(patience).count();
        if (::poll(&readable, 1, static_cast<int>(timeout)) != 1) return "";
        char text[256];
        const ssize_t got = ::recv(fd_.get(), text, sizeof text, 0);
        return got < 0 ? "" : std::string(text, static_cast<std::size_t>(got));
    }

private:
    Descriptor fd_;
};

TEST(SystemdUnits, TheParserOfThisTestSeesMistakes) {
    EXPECT_THAT(parse("[Service]\nMemoryMaximum=1G\n").mistakes,
                ElementsAre("key MemoryMaximum in [Service]"));
    EXPECT_THAT(parse("[Unit]\nMemoryMax=1G\n").mistakes, ElementsAre("key MemoryMax in [Unit]"));
    EXPECT_THAT(parse("[Servise]\n").mistakes, ElementsAre("section [Servise]"));
    EXPECT_THAT(parse("[Service]\nnonsense\n").mistakes,
                ElementsAre("no single key=value: nonsense"));
}

TEST(SystemdUnits, HaveOnlyKeysThatSystemdKnows) {
    ASSERT_THAT(unit_files(), Not(IsEmpty()));
    for (const fs::path& file : unit_files()) {
        EXPECT_THAT(read_unit(file).mistakes, IsEmpty()) << file.filename();
    }
}

TEST(SystemdUnits, AreFoundInOrderBySystemdItself) {
    if (!fs::exists("/usr/bin/systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not here";
    const TempDir dir;
    for (const fs::path& file : unit_files()) {
        std::string text = read_unit(file).text;
        const std::string command = "ExecStart=weft ";
        ASSERT_NE(text.find(command), std::string::npos) << file;
        text.replace(text.find(command), command.size(), "ExecStart=" + weft_program() + " ");
        write_text(dir / file.filename().string(), text);

        // It warns of what it ignores and still ends with 0.
        const Finished verified = run({"/usr/bin/systemd-analyze", "verify", "--man=no",
                                       (dir / file.filename().string()).string()});

        EXPECT_EQ(verified.exit_code, 0) << verified.err;
        EXPECT_THAT(verified.out + verified.err, Not(HasSubstr(file.filename().string())));
    }
}

// N2
TEST(SystemdUnits, LimitMemoryAndBringBackWhatDiedOfIt) {
    for (const fs::path& file : unit_files()) {
        const Unit unit = read_unit(file);

        EXPECT_THAT(unit.at("Service.MemoryMax"), Not(IsEmpty())) << file;
        EXPECT_NE(unit.at("Service.MemoryMax"), "infinity") << file;
        EXPECT_EQ(unit.at("Service.MemorySwapMax"), "0") << file;
        EXPECT_EQ(unit.at("Service.Restart"), "on-failure") << file;
        EXPECT_EQ(unit.at("Unit.StartLimitIntervalSec"), "0") << file;
        EXPECT_EQ(unit.at("Service.NoNewPrivileges"), "yes") << file;
        EXPECT_EQ(unit.at("Service.ProtectSystem"), "strict") << file;
    }
}

TEST(SystemdUnits, WhatTheyStartSaysThatItIsReadyReloadsAndStops) {
    for (const fs::path& file : unit_files()) {
        const Unit unit = read_unit(file);
        ASSERT_EQ(unit.at("Service.Type"), "notify");
        ASSERT_EQ(unit.at("Service.ExecReload"), "/bin/kill -HUP $MAINPID");
        std::istringstream words(unit.at("Service.ExecStart"));
        std::vector<std::string> arguments;
        for (std::string word; words >> word;) arguments.push_back(word);
        ASSERT_FALSE(arguments.empty());
        ASSERT_EQ(arguments.front(), "weft");
        arguments.erase(arguments.begin());
        Fabric fabric;
        // What a hub needs to have something to do.
        fabric.configure(
            "hub: { consumers: [ { name: a, exec: [cat], topics: [a], durable: false } ] }");
        NotifySocket systemd(fabric.dir() / "notify");

        Process service = fabric.start(
            arguments, {.environment = {{"NOTIFY_SOCKET", (fabric.dir() / "notify").string()}}});

        EXPECT_EQ(systemd.next(), "READY=1") << service.output();
        service.signal(SIGHUP);
        service.wait_for_line(Stream::err, "configuration reloaded");
        service.signal(SIGTERM);
        EXPECT_EQ(systemd.next(), "STOPPING=1") << service.output();
        EXPECT_EQ(service.wait(), 0) << service.output();
    }
}

}  // namespace
}  // namespace weft::testing
