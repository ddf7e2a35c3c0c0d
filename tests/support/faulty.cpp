// A program with one fault on purpose, named by its argument, for tests of what finds such faults.
// Behind it the program waits for SIGTERM and ends well, if it is still there.

#include <csignal>
#include <cstdio>
#include <limits>
#include <string_view>
#include <thread>

namespace {

// Through volatile variables, so that no compiler sees the fault or takes it away.
int* volatile place = nullptr;
volatile int number = std::numeric_limits<int>::max();
int shared = 0;

void leak() {
    place = new int[64];
    place = nullptr;
}

void use_after_free() {
    place = new int[64];
    int* volatile same = place;
    delete[] place;
    number = *same;
}

void overflow() {
    number = number + 1;
}

void race() {
    std::jthread other([] { ++shared; });
    ++shared;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view fault = count == 2 ? arguments[1] : "";
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, nullptr);
    std::puts("begun");
    std::fflush(stdout);
    if (fault == "leak") leak();
    if (fault == "use after free") use_after_free();
    if (fault == "overflow") overflow();
    if (fault == "race") race();
    int got = 0;
    sigwait(&end, &got);
    return 0;
}
