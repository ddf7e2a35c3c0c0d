// For LD_PRELOAD: a disk whose sync costs SLOW_SYNC_US microseconds (1000) more than this one's. On
// virtual machines a sync is nearly free, and only batching shows what it costs elsewhere.
// Threads: as fsync.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

using Sync = int (*)(int);

void delay() {
    static const long microseconds = [] {
        const char* text = std::getenv("SLOW_SYNC_US");
        return text != nullptr ? std::atol(text) : 1000L;
    }();
    const timespec time{microseconds / 1'000'000, microseconds % 1'000'000 * 1000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

int slow(const char* name, int file) {
    delay();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym gives
    return reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name))(file);
}

}  // namespace

extern "C" int fsync(int file) {
    return slow("fsync", file);
}

extern "C" int fdatasync(int file) {
    return slow("fdatasync", file);
}
