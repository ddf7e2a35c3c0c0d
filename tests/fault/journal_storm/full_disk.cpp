#include "tests/fault/journal_storm/full_disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "reliability/reliable_publisher.hpp"
#include "tests/fault/journal_storm/stand.hpp"
#include "tests/fault/journal_storm/storm.hpp"
#include "tests/support/descriptor.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::fault {
namespace {

using std::chrono::milliseconds;
using testing::Process;
using Clock = std::chrono::steady_clock;

/// Some more than what a journal wants to be free.
constexpr const char* size_option = "size=128m";

class SmallDisk {
public:
    /// `wrong` says why there is none.
    SmallDisk(std::filesystem::path path, std::string& wrong) : path_(std::move(path)) {
        std::filesystem::create_directories(path_);
        is_mounted_ = ::mount("weft", path_.c_str(), "tmpfs", 0, size_option) == 0;
        if (!is_mounted_) wrong = std::string{"a tmpfs cannot be mounted: "} + std::strerror(errno);
    }
    ~SmallDisk() {
        if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Also what others have freed meanwhile.
    void fill() const {
        const testing::Descriptor file(
            ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        static const std::array<char, 65'536> block{};
        for (std::size_t size = block.size(); size >= 1;) {
            if (::write(file.get(), block.data(), size) > 0) continue;
            if (errno != ENOSPC) throw std::runtime_error("the disk cannot be filled");
            size /= 16;
        }
    }
    void free() const { std::filesystem::remove(filler()); }

private:
    [[nodiscard]] std::filesystem::path filler() const { return path_ / "filler"; }
    std::filesystem::path path_;
    bool is_mounted_ = false;
};

class FullDisk {
public:
    FullDisk(SmallDisk& disk, std::uint64_t seed)
        : disk_(disk),
          seed_(seed),
          ledger_(seed),
          stand_((disk.path() / "journal").string()),
          publisher_(stand_.fabric(), stand_.settings()) {}

    FullDiskReport run(std::uint64_t cycles) {
        {
            Process journal = stand_.serve();
            for (std::uint64_t cycle = 1; cycle <= cycles; ++cycle) {
                be_acknowledged(journal);
                be_full(journal);
                disk_.free();
                ++report_.cycles;
            }
            be_acknowledged(journal);
            journal.signal(SIGKILL);
            static_cast<void>(journal.wait());
        }
        Process journal = stand_.serve();
        stand_.read_into(ledger_);
        journal.signal(SIGTERM);
        static_cast<void>(journal.wait());
        report_.verified = stand_.verify();
        report_.figures = ledger_.figures();
        return report_;
    }

private:
    using Verdict = reliability::Outcome::Verdict;

    Verdict publish_one() {
        const Made made{0, ++number_, number_};
        std::string body = body_of(seed_, made);
        reliability::ReliableOptions options;
        options.durable = true;
        options.ack_timeout = std::chrono::seconds{20};
        const auto pending =
            publisher_.publish_async("storm.full", {body, "application/octet-stream"}, options);
        if (!pending) throw std::runtime_error(pending.error().sentence);
        const auto outcome = pending->wait();
        if (outcome->ok()) ledger_.acknowledged(made, pending->id());
        if (outcome->verdict() == Verdict::rejected) report_.reason = outcome->answers()[0].reason;
        return outcome->verdict();
    }

    void be_acknowledged(Process& journal) {
        const auto start = Clock::now();
        for (int more = 5; more > 0;) {
            if (publish_one() == Verdict::acknowledged) --more;
            if (Clock::now() - start > std::chrono::seconds{30}) {
                throw std::runtime_error("it does not recover: " + report_.reason + "\n" +
                                         journal.output());
            }
        }
        const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
        report_.slowest_recovery_ms =
            std::max(report_.slowest_recovery_ms, static_cast<std::uint64_t>(took));
    }

    /// The last page of a file may still have room, and what was reserved ahead, too: it is full
    /// once something was rejected.
    void be_full(const Process& journal) {
        constexpr int room_max = 100'000;
        int published = 0;
        do {
            disk_.fill();
            if (++published > room_max) throw std::runtime_error("never full: " + journal.output());
        } while (publish_one() == Verdict::acknowledged);
        for (int i = 0; i < 10; ++i) {
            disk_.fill();
            const Verdict verdict = publish_one();
            if (verdict == Verdict::acknowledged) {
                ++report_.acknowledged_full;
            } else if (verdict != Verdict::rejected) {
                ++report_.unanswered_full;
            } else {
                ++report_.rejected;
                const bool says = report_.reason.find("disk") != std::string::npos;
                if (!says) ++report_.without_reason;
            }
        }
    }

    SmallDisk& disk_;
    const std::uint64_t seed_;
    std::uint64_t number_ = 0;
    Ledger ledger_;
    Stand stand_;
    reliability::ReliablePublisher publisher_;
    FullDiskReport report_;
};

}  // namespace

std::string FullDiskReport::text() const {
    if (!skipped.empty()) return "skipped: " + skipped;
    return std::to_string(cycles) + " times full and freed: " + std::to_string(rejected) +
           " rejected while full (\"" + reason + "\"), " + std::to_string(acknowledged_full) +
           " acknowledged while full, " + std::to_string(unanswered_full) + " unanswered, " +
           std::to_string(without_reason) + " without the reason; slowest recovery " +
           std::to_string(slowest_recovery_ms) + " ms; " + text_of(figures) +
           "\nverify: " + verified;
}

FullDiskReport run_full_disk(std::uint64_t cycles, std::uint64_t seed) {
    const testing::TempDir directory;
    FullDiskReport skipped;
    SmallDisk disk(directory / "disk", skipped.skipped);
    if (!skipped.skipped.empty()) return skipped;
    return FullDisk(disk, seed).run(cycles);
}

}  // namespace weft::fault
