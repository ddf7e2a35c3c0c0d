#pragma once
// What a consumer counts, in a file that is mapped by it and by the benchmark: how many messages,
// when the first and the last came, and whether any came out of order. One writer.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace weft::bench {

struct Tally {
    std::atomic<std::uint64_t> count{0}, first_ns{0}, last_ns{0}, number{0}, out_of_order{0};

    static std::uint64_t now_ns() {
        return static_cast<std::uint64_t>(
            std::chrono::steady_clock::now().time_since_epoch().count());
    }
    /// Numbers rise; one that came before may come again.
    void add(std::uint64_t the_number) {
        const std::uint64_t now = now_ns();
        if (count == 0) first_ns = now;
        if (the_number < number) ++out_of_order;
        number = the_number;
        last_ns = now;
        ++count;
    }
    [[nodiscard]] double seconds() const { return static_cast<double>(last_ns - first_ns) / 1e9; }
    void clear() { count = first_ns = last_ns = number = out_of_order = 0; }

    /// Mapped until the process ends.
    static Tally& open(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ::ftruncate(fd, sizeof(Tally)) != 0) {
            throw std::runtime_error("cannot open " + path);
        }
        void* mapped = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path);
        return *static_cast<Tally*>(mapped);
    }
};

}  // namespace weft::bench
