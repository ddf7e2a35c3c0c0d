#include "tests/fault/ack_storm/stage.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <thread>

#include "config/load.hpp"
#include "fabric/node/relay.hpp"
#include "signing/identity.hpp"
#include "tests/fault/ack_storm/cast.hpp"

namespace weft::fault::storm {
namespace {

using weft::testing::Descriptor;
using weft::testing::make_pipe;
using weft::testing::Pipe;

constexpr std::chrono::seconds patience{60};

/// Of a child, once the others' ends of the pipes are closed in it.
[[noreturn]] void play_out(const Cue& cue, const std::function<std::string(const Cue&)>& play) {
    int code = 0;
    try {
        cue.report(play(cue));
    } catch (const std::exception& error) {
        cue.report(std::string{"failed: "} + error.what());
        code = 1;
    }
    // Nothing of the parent's is taken down here.
    ::_exit(code);
}

}  // namespace

void Cue::ready(const std::string& line) const {
    report(line);
}

void Cue::report(const std::string& line) const {
    const std::string whole = line + '\n';
    if (::write(report_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
        ::_exit(2);
    }
}

void Cue::await_end() const {
    char byte = 0;
    while (::read(end_, &byte, 1) < 0 && errno == EINTR) {
    }
}

bool Cue::is_over() const {
    pollfd end{end_, POLLIN, 0};
    return ::poll(&end, 1, 0) > 0;
}

Stage::Stage() {
    Pipe pipe = make_pipe();
    end_read_ = std::move(pipe.read_end);
    end_write_ = std::move(pipe.write_end);
}

Stage::~Stage() {
    for (Player& player : players_) {
        if (player.pid < 0) continue;
        ::kill(player.pid, SIGKILL);
        ::waitpid(player.pid, nullptr, 0);
    }
}

std::string Stage::enter(const std::string& name,
                         const std::function<std::string(const Cue&)>& play) {
    Pipe report = make_pipe();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("no process for " + name);
    if (pid == 0) {
        end_write_.close();
        report.read_end.close();
        play_out(Cue(end_read_.get(), report.write_end.get()), play);
    }
    players_.push_back({name, pid, std::move(report.read_end)});
    return line_of(players_.back(), patience);
}

std::vector<std::string> Stage::close() {
    end_write_.close();
    std::vector<std::string> reports;
    for (Player& player : players_) {
        reports.push_back(player.name + ": " + line_of(player, patience));
        int status = 0;
        ::waitpid(std::exchange(player.pid, -1), &status, 0);
        if (status != 0) throw std::runtime_error(reports.back() + ", and did not end well");
    }
    return reports;
}

std::string Stage::line_of(Player& player, std::chrono::seconds patience) {
    std::string line;
    while (true) {
        pollfd ready{player.report.get(), POLLIN, 0};
        const int limit = static_cast<int>(std::chrono::milliseconds(patience).count());
        char byte = 0;
        if (::poll(&ready, 1, limit) != 1 || ::read(player.report.get(), &byte, 1) != 1) {
            throw std::runtime_error(player.name + " has gone or says nothing: " + line);
        }
        if (byte == '\n') break;
        line += byte;
    }
    if (line.starts_with("failed: ")) throw std::runtime_error(player.name + " " + line);
    return line;
}

World::World() {
    const auto issue = [this](std::string_view name, std::uint8_t roles) {
        signing::CertificateRequest request;
        request.name = name;
        request.roles = roles;
        request.globs = support::globs_of({"**"});
        request.not_before = support::SigningFixture::now - support::SigningFixture::day;
        request.not_after = support::SigningFixture::now + support::SigningFixture::day;
        support::must(signing::issue_identity(trust_.directory(), trust_.authority(), request));
    };
    const std::uint8_t roles = support::roles_of({signing::Role::publish, signing::Role::ack});
    issue(publisher_name, roles);
    for (const Member& one : cast()) issue(one.name, roles);
}

std::uint64_t World::Clock::utc_us() const noexcept {
    const auto passed = system_.steady() - begin_;
    return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000 +
           static_cast<std::uint64_t>(passed / std::chrono::microseconds{1});
}

std::unique_ptr<fabric::Fabric> World::open(const std::string& name) const {
    config::LoadOptions options;
    options.directory = trust_.directory();
    options.settings = {"name=" + name, "signing.directory=" + trust_.directory().string(),
                        "fabric.replay.state=\"\"", "fabric.relay.inbound=" + inbound_,
                        "fabric.relay.outbound=" + outbound_};
    const auto loaded = config::load(options);
    if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
    fabric::FabricOptions fabric;
    fabric.clock = &clock_;
    return fabric::Fabric::open(*loaded, fabric);
}

std::string World::play_relay(const Cue& cue) const {
    fabric::RelaySettings settings;
    settings.inbound = "tcp://127.0.0.1:0";
    settings.outbound = "tcp://127.0.0.1:0";
    auto opened = fabric::Relay::open(settings);
    if (!opened) throw std::runtime_error(opened.error());
    fabric::Relay& relay = **opened;
    cue.ready(relay.inbound() + " " + relay.outbound());
    std::jthread running([&relay] { relay.run(); });
    cue.await_end();
    relay.stop();
    running.join();
    const fabric::RelayStats stats = relay.stats();
    return std::to_string(stats.messages) + " runs passed on, " + std::to_string(stats.bytes) +
           " bytes; dropped " + std::to_string(stats.not_three_frames + stats.topic_invalid);
}

void World::set_relay(const std::string& line) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) throw std::runtime_error("the relay said " + line);
    inbound_ = line.substr(0, space);
    outbound_ = line.substr(space + 1);
}

}  // namespace weft::fault::storm
